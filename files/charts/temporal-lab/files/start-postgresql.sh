# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# Starts PostgreSQL, and makes the database cluster first where there is none.
# PGDATA: the cluster's folder. PGPASSWORD: the password of the user postgres.

set -eu

PATH=/usr/lib/postgresql/15/bin:$PATH

if [ ! -e "$PGDATA" ]; then
    # Made beside its place and renamed: what an interrupted initdb left is never started.
    rm -rf "$PGDATA.new"
    printf '%s\n' "$PGPASSWORD" |
        initdb --pgdata="$PGDATA.new" --username=postgres --pwfile=/dev/stdin \
            --no-instructions --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
    echo "host all all all scram-sha-256" >>"$PGDATA.new/pg_hba.conf"
    echo "include '/etc/postgresql-lab/settings.conf'" >>"$PGDATA.new/postgresql.conf"
    mv "$PGDATA.new" "$PGDATA"
fi

# In place of the shell, so that signals reach the postmaster.
exec postgres -D "$PGDATA"
