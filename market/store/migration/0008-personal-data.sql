-- What may be about a person lies sealed under a key of its tenant; with the key it is gone, wherever the row was copied to.

CREATE TABLE personal_key (
  tenant    text COLLATE "C" PRIMARY KEY,
  sealed    bytea,
  erased_at bigint,
  CONSTRAINT personal_key_kept_or_erased CHECK ((sealed IS NULL) = (erased_at IS NOT NULL))
);
COMMENT ON TABLE personal_key IS 'The key of each tenant, sealed under a key that follows from the market''s. Not in a backup: see docs/guides/run-a-market.md.';

CREATE TABLE personal_text (
  subject text COLLATE "C" PRIMARY KEY,
  tenant  text COLLATE "C" NOT NULL,
  sealed  bytea NOT NULL
);
COMMENT ON TABLE personal_text IS 'The name of a tenant, an API key or a job, by its id.';
CREATE INDEX personal_text_of_tenant ON personal_text (tenant);

ALTER TABLE job DROP COLUMN name;
ALTER TABLE tenant DROP COLUMN name;
ALTER TABLE api_key DROP COLUMN name;
