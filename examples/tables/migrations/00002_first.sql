-- +goose Up
INSERT INTO accounts VALUES ('ann', 10);
-- +goose Down
DELETE FROM accounts;
