CREATE TABLE provider_benchmark (
  id       text COLLATE "C" PRIMARY KEY,
  provider text COLLATE "C" NOT NULL,
  at       bigint NOT NULL,
  entry    jsonb NOT NULL
);
COMMENT ON TABLE provider_benchmark IS 'What a provider’s machine showed when it was challenged: what was asked and answered, both signed, and what the market measured. A few a week of each provider.';
CREATE INDEX provider_benchmark_newest ON provider_benchmark (provider, at DESC, id DESC);
CREATE INDEX provider_benchmark_age ON provider_benchmark (at);
