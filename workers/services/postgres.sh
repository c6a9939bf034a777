#!/bin/sh
# Makes the database the first time, gives its user the password that the file has, and becomes its server. Arguments go
# to `postgres`.
#   POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD_FILE, PGDATA: as of the official image.
set -eu

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Beside its place, and renamed when it is whole: a kill in between must not leave half a database.
  made="$PGDATA.partial"
  rm -rf "$made"
  initdb --pgdata="$made" --username="$user" --pwfile="${POSTGRES_PASSWORD_FILE:?names no file}" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  echo "host all all all scram-sha-256" >> "$made/pg_hba.conf"
  # Without a server, so that nobody can connect before all is there.
  [ "$database" = postgres ] || echo "CREATE DATABASE \"$database\";" | postgres --single -D "$made" postgres > /dev/null
  echo "CREATE EXTENSION IF NOT EXISTS pg_trgm;" | postgres --single -D "$made" "$database" > /dev/null
  mv "$made" "$PGDATA"
fi

# The file may hold another password than the last time. It is what all others are given, too: whatever was interrupted
# or lost, they agree again from here on. Without a server, so that nobody is let in by the former one meanwhile; no
# argument of a process and no line of the log shows it. Only where it differs: a start writes nothing otherwise.
given=$(sha256sum < "${POSTGRES_PASSWORD_FILE:?names no file}")
if [ "$given" != "$(cat "$PGDATA.password" 2> /dev/null || true)" ]; then
  quoted=$(sed "s/'/''/g" "$POSTGRES_PASSWORD_FILE")
  echo "ALTER ROLE \"$user\" PASSWORD '$quoted';" \
    | postgres --single -D "$PGDATA" -c exit_on_error=on -c log_min_error_statement=panic postgres > /dev/null
  echo "$given" > "$PGDATA.password"
fi

exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
