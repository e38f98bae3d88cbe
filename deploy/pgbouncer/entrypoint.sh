#!/bin/sh
# The password comes from the environment and is written where only this process reads it.
set -eu
umask 077
printf '"omnirapeutic_app" "%s"\n' "$APP_PASSWORD" > /tmp/userlist.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
