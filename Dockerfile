# Utskick's image: the wheel and its pinned libraries, nothing of the builder. One image, a command per process.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/run.txt requirements/build.txt requirements/
RUN python -m venv /opt/utskick \
 && /opt/utskick/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/run.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/build.txt
COPY pyproject.toml LICENSE README.md ./
COPY campaigns campaigns
COPY workers workers
COPY templates templates
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --no-index --wheel-dir /dist . \
 && /opt/utskick/bin/pip install --no-cache-dir --no-deps --no-index /dist/*.whl \
 && /opt/utskick/bin/pip uninstall --yes pip

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /srv/utskick --shell /usr/sbin/nologin utskick \
 && install -d -o utskick -g utskick -m 0700 /srv/utskick /srv/utskick/secrets /srv/utskick/var
COPY --from=build /opt/utskick /opt/utskick
ENV PATH=/opt/utskick/bin:$PATH PYTHONUNBUFFERED=1
USER utskick
WORKDIR /srv/utskick
ENTRYPOINT ["utskick"]
CMD ["--help"]
