CREATE TABLE provider_observation (
  id       text COLLATE "C" PRIMARY KEY,
  provider text COLLATE "C" NOT NULL,
  at       bigint NOT NULL,
  seen     jsonb NOT NULL
);
COMMENT ON TABLE provider_observation IS 'What was seen of a provider: of each lease when it closed, and of refusals. Records are folds of these rows. Those of leases can be had again from the journal.';
CREATE INDEX provider_observation_newest ON provider_observation (provider, at DESC, id DESC);
CREATE INDEX provider_observation_age ON provider_observation (at, id);
-- Touched once in a job's life, when it closes.
CREATE INDEX job_closed ON job (closed_at, id) WHERE closed_at IS NOT NULL;
