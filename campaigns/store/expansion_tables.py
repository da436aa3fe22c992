"""How far a campaign's expansion has come: what a killed one goes on from."""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, one_of, required
from campaigns.store.data_map import nobody
from campaigns.store.metadata import metadata
from campaigns.store.register_tables import CHANNELS

#: `last_contact` and `last_change` are the audience's cut: the newest contact and the newest change of a subscription
#: when the expansion began. Every contact up to `reached` has its row on `channel`, and on the channels before it.
expansion = sa.Table(
    "expansion",
    metadata,
    required("campaign_id", BigId, sa.ForeignKey("campaign.id"), primary_key=True),
    required("last_contact", BigId),
    required("last_change", BigId),
    required("channel", sa.Text),
    required("reached", BigId, server_default="0"),
    one_of("channel", CHANNELS),
    info=nobody("how far the writing of a campaign's rows has come"),
)
