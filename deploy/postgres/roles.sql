-- Database roles with least privilege. Run it as the owner of the database after every `utskick init`; it may be repeated:
--     psql --set ON_ERROR_STOP=1 --file deploy/postgres/roles.sql DATABASE
-- Then give each process a login of its own in one of the roles, and its URL (UTSKICK_DATABASE_URL):
--     CREATE ROLE sending LOGIN PASSWORD '…' IN ROLE utskick_worker;
--
--     utskick_worker     `utskick worker`
--     utskick_scheduler  `utskick scheduler`: as the worker, seals the audit log, lets go of what is due
--     utskick_entrance   `utskick web`, `utskick inbound`, `utskick mailbox run`
--     utskick_operator   the commands that people give
--     utskick_reporter   plots and reports of others: numbers of campaigns, nobody's data
--
-- None of them owns a table: none can drop, alter or empty one, nor the triggers that keep the audit log and the gate. The owner
-- runs `utskick init`, which makes the ledger's partitions ahead, and lets old ones go.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['worker', 'scheduler', 'entrance', 'operator', 'reporter'] LOOP
        name := 'utskick_' || name;
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        -- What an earlier edition of this file gave goes first.
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', name);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM %I', name);
    END LOOP;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public, utskick_ledger
    TO utskick_worker, utskick_scheduler, utskick_entrance, utskick_operator, utskick_reporter;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO utskick_worker, utskick_scheduler, utskick_entrance, utskick_operator;

-- Reading: everything but credentials.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO utskick_worker, utskick_scheduler, utskick_entrance, utskick_operator;
REVOKE ALL ON account, access_token FROM utskick_worker, utskick_scheduler, utskick_entrance;
GRANT SELECT (id, kind, name, level, disabled_at) ON account TO utskick_worker, utskick_scheduler, utskick_entrance;
-- Whoever calls the interface for programs shows a token; its hash is what it is found by.
GRANT SELECT (account_id, digest, scope, expires_at, revoked_at) ON access_token TO utskick_entrance;

-- The audit log: entries are added; only the scheduler and people's commands seal, and only the latter two redact and cut.
GRANT INSERT ON audit, audit_value TO utskick_worker, utskick_scheduler, utskick_entrance, utskick_operator;
GRANT UPDATE (seal, seal_position) ON audit TO utskick_scheduler, utskick_operator;
GRANT UPDATE (old, new, salt, redacted_at) ON audit_value TO utskick_scheduler, utskick_operator;
GRANT DELETE ON audit, audit_value TO utskick_operator; -- the database lets go only of what lies before a cut
GRANT INSERT ON audit_cut TO utskick_operator;

-- Sending.
GRANT INSERT, UPDATE ON
    submission, campaign, campaign_content, campaign_list, campaign_figures, campaign_brake, asset, recurrence,
    expansion, batch, delivery, attempt, warm_up_day, claim_count, print_file, print_item
    TO utskick_worker, utskick_scheduler;
GRANT DELETE ON expansion TO utskick_worker, utskick_scheduler;
GRANT INSERT ON disclosure, disclosure_subject, event TO utskick_worker, utskick_scheduler;

-- A "no", and news after the hand-over: whoever hears them records them.
GRANT UPDATE ON gate TO utskick_worker, utskick_scheduler, utskick_entrance;
GRANT INSERT, UPDATE ON
    suppression, subscription, datum_flag, feedback_event, feedback_case
    TO utskick_worker, utskick_scheduler, utskick_entrance;
GRANT INSERT ON subscription_history TO utskick_worker, utskick_scheduler, utskick_entrance;

-- People at the preference page, mail and webhooks: what they say, and what it settles.
GRANT INSERT, UPDATE ON
    contact_basis, contact_field, intake, provenance, rights_request, rights_telling, parked_mail, event
    TO utskick_entrance;
GRANT UPDATE ON contact, delivery, attempt, batch, campaign TO utskick_entrance;
GRANT INSERT ON disclosure, disclosure_subject, survey_taken, survey_answer TO utskick_entrance;
GRANT INSERT, UPDATE ON campaign_figures TO utskick_entrance;
GRANT DELETE ON subscription, contact_basis, contact_field, provenance TO utskick_entrance;

-- Letting go of what is due. The owner lets go of whole partitions.
GRANT INSERT, UPDATE ON retention_sweep TO utskick_scheduler;
GRANT UPDATE ON contact, company, event, intake, parked_mail, rights_request, rights_telling TO utskick_scheduler;
GRANT DELETE ON
    company, contact_basis, contact_field, delivery, attempt, print_item, event, feedback_case, feedback_event, intake,
    legal_hold, parked_mail, position, rights_request, rights_telling, submission, suppression, disclosure,
    disclosure_subject, survey_answer, survey_taken
    TO utskick_scheduler;

-- The commands of people, each of which asks whether the person may.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT tablename FROM pg_tables WHERE schemaname = 'public'
            AND tablename NOT IN ('audit', 'audit_value', 'audit_cut', 'alembic_version', 'gate_raise', 'register', 'register_key')
    LOOP
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO utskick_operator', found.tablename);
    END LOOP;
END $$;

-- Numbers without people.
GRANT SELECT ON campaign, campaign_list, campaign_figures, mailing_list, recurrence, warm_up_day TO utskick_reporter;
GRANT SELECT (campaign_id, channel, status, reason, expanded_at, handed_over_at, settled_at) ON delivery TO utskick_reporter;
