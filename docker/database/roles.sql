-- Run once, by psql, when the container's database is new: who owns the tables, and who only works with them.
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD
create role consent_owner login password :'owner_password';
create role consent_service login password :'service_password';
create database player_consent owner consent_owner;
revoke connect on database player_consent from public;
grant connect on database player_consent to consent_service;
