-- +goose Up
CREATE TABLE accounts (id text PRIMARY KEY, balance int NOT NULL);
CREATE TABLE payouts (id bigserial PRIMARY KEY, account text NOT NULL REFERENCES accounts, amount int NOT NULL);
-- +goose Down
DROP TABLE payouts;
DROP TABLE accounts;
