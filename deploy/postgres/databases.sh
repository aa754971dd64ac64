#!/bin/sh
# Gives each service a database and a role that may connect to no other. The image of PostgreSQL
# runs this once, on an empty data directory. Roles share POSTGRES_PASSWORD in compose.
set -eu

for service in gateway ingest segmenter synth notifier; do
  psql --set=ON_ERROR_STOP=1 --quiet --no-psqlrc \
    --set=service="$service" --set=password="$POSTGRES_PASSWORD" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE CONNECT ON DATABASE :"service" FROM PUBLIC;
SQL
done
