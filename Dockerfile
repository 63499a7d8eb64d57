# The always-on service that runs every task of the platform, the same tasks as pods, and the command line; no model
# key is baked in.
FROM python:3.11-slim AS build
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY utils utils
COPY tasks tasks
COPY workflows workflows
COPY migrations migrations
COPY scripts scripts
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt '.[service]'

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 radiant
COPY --from=build /venv /venv
COPY --chown=radiant workflows /app/workflows
COPY --chown=radiant tasks /app/tasks
COPY --chown=radiant utils /app/utils
COPY --chown=radiant migrations /app/migrations
COPY --chown=radiant scripts /app/scripts
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 RADIANT_HOME=/home/radiant/data RADIANT_LOG_FORMAT=json
USER radiant
WORKDIR /app
EXPOSE 8000 9090
CMD ["radiant", "serve"]
