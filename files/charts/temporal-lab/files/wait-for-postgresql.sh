# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# Waits until PostgreSQL answers a query, and then for each argument: with DATABASE=VERSION until the
# schema of the database has at least that version, with DATABASE:cluster until a server has made the
# record of its cluster there. Where and who: libpq's PGHOST, PGUSER, PGPASSWORD.
# Says what it waits for when that changes.

set -eu

PATH=/usr/lib/postgresql/15/bin:$PATH
export PGCONNECT_TIMEOUT=3

# wait_for WHAT DATABASE QUERY: until the query's answer is "ready".
wait_for() {
    told=
    while :; do
        answer=$(psql -X -A -t -d "$2" -c "$3" 2>&1 | head -n 1)
        [ "$answer" != ready ] || break
        if [ "$answer" != "$told" ]; then
            echo "waiting for $1: ${answer:-no answer}"
            told=$answer
        fi
        sleep 1
    done
    echo "$1: ready"
}

wait_for "PostgreSQL at $PGHOST" postgres "SELECT 'ready'"

for wanted in "$@"; do
    case $wanted in
    *:cluster)
        database=${wanted%:cluster}
        wait_for "cluster in database $database" "$database" "
            SELECT CASE WHEN count(*) > 0 THEN 'ready' ELSE 'no server has started yet' END
              FROM cluster_metadata_info"
        continue
        ;;
    esac
    database=${wanted%%=*}
    version=${wanted#*=}
    wait_for "schema $version of database $database" "$database" "
        SELECT CASE WHEN string_to_array(curr_version, '.')::int[] >= string_to_array('$version', '.')::int[]
                    THEN 'ready' ELSE 'it is at ' || curr_version END
          FROM schema_version WHERE version_partition = 0 AND db_name = '$database'"
done
