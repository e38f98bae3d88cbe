#!/bin/sh
# Run once by the PostgreSQL image, as its superuser: the two roles that sign in, and the database.
# The application's role is made by the owner, so that the owner may set its limits later.
set -eu
psql -v ON_ERROR_STOP=1 -v owner_password="$OWNER_PASSWORD" --username postgres --dbname postgres <<'SQL'
CREATE ROLE omnirapeutic_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE DATABASE omnirapeutic OWNER omnirapeutic_owner;
SQL
psql -v ON_ERROR_STOP=1 -v app_password="$APP_PASSWORD" --username postgres --dbname omnirapeutic <<'SQL'
ALTER SCHEMA public OWNER TO omnirapeutic_owner;
SET ROLE omnirapeutic_owner;
CREATE ROLE omnirapeutic_app LOGIN PASSWORD :'app_password';
SQL
