-- Times are wall-clock milliseconds of whoever wrote the row. Amounts are nano-dollars. Ids sort by code point, so that
-- they sort by age. Nothing here decides by the clock of the database.

CREATE TABLE journal (
  stream  text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 0),
  count   integer NOT NULL CHECK (count > 0),
  at      bigint NOT NULL,
  events  bytea NOT NULL,
  PRIMARY KEY (stream, version)
);
COMMENT ON TABLE journal IS 'One row per append: `count` events after the first `version` of the stream, as a canonical CBOR array.';
-- Signatures and digests do not compress.
ALTER TABLE journal ALTER COLUMN events SET STORAGE EXTERNAL;

CREATE TABLE snapshot (
  stream  text COLLATE "C" PRIMARY KEY,
  version integer NOT NULL CHECK (version > 0),
  at      bigint NOT NULL,
  state   bytea NOT NULL
);
COMMENT ON TABLE snapshot IS 'The fold of the first `version` events of a stream, as canonical CBOR.';

CREATE TABLE job (
  id           text COLLATE "C" PRIMARY KEY,
  tenant       text COLLATE "C" NOT NULL,
  name         text NOT NULL,
  phase        text NOT NULL CHECK (phase IN ('active', 'succeeded', 'failed', 'cancelled')),
  waiting      integer NOT NULL,
  running      integer NOT NULL,
  accepted     integer NOT NULL,
  final        integer NOT NULL,
  abandoned    integer NOT NULL,
  cancelled    integer NOT NULL,
  ceiling      bigint NOT NULL,
  charged      bigint NOT NULL,
  submitted_at bigint NOT NULL,
  updated_at   bigint NOT NULL,
  closed_at    bigint
) WITH (fillfactor = 70);
COMMENT ON TABLE job IS 'A projection of the journal, for lists.';
CREATE INDEX job_of_tenant ON job (tenant, id);
CREATE INDEX job_active ON job (id) WHERE phase = 'active';

CREATE TABLE used_order (
  digest     text COLLATE "C" PRIMARY KEY,
  tenant     text COLLATE "C" NOT NULL,
  job        text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX used_order_expiry ON used_order (expires_at);

CREATE TABLE receipt_batch (
  first_id  text COLLATE "C" PRIMARY KEY,
  last_id   text COLLATE "C" NOT NULL,
  job       text COLLATE "C" NOT NULL,
  tenant    text COLLATE "C" NOT NULL,
  provider  text COLLATE "C" NOT NULL,
  count     integer NOT NULL CHECK (count > 0),
  amount    numeric(38, 0) NOT NULL,
  issued_at bigint NOT NULL,
  entry     text COLLATE "C",
  body      bytea NOT NULL,
  CONSTRAINT receipt_batch_ordered CHECK (first_id <= last_id)
);
COMMENT ON TABLE receipt_batch IS 'Receipts that were written together, for one job and one provider, with ids that follow each other. That an attempt has one receipt needs no constraint here: the journal takes the event that accepts it once, at its expected version, in the same transaction, and the fold refuses a second.';
COMMENT ON COLUMN receipt_batch.amount IS 'The sum of the receipts.';
COMMENT ON COLUMN receipt_batch.entry IS 'The ledger entry that pays them.';
COMMENT ON COLUMN receipt_batch.body IS 'Canonical CBOR of {receipts, claims}: each records, and one signature over all of them or one for each. Where it is long, as a Zstandard frame.';
ALTER TABLE receipt_batch ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX receipt_batch_of_job ON receipt_batch (job, first_id);
CREATE INDEX receipt_batch_of_tenant ON receipt_batch (tenant, first_id);
CREATE INDEX receipt_batch_of_provider ON receipt_batch (provider, first_id);

CREATE FUNCTION ledger_sum(amounts bigint[]) RETURNS numeric
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  total numeric := 0;
  amount bigint;
BEGIN
  FOREACH amount IN ARRAY amounts LOOP
    total := total + amount;
  END LOOP;
  RETURN total;
END $$;

CREATE TABLE ledger_entry (
  id       text COLLATE "C" PRIMARY KEY,
  kind     text NOT NULL,
  at       bigint NOT NULL,
  accounts text[] COLLATE "C" NOT NULL,
  amounts  bigint[] NOT NULL,
  CONSTRAINT ledger_entry_legs CHECK (cardinality(accounts) > 0 AND cardinality(accounts) = cardinality(amounts)),
  CONSTRAINT ledger_entry_balanced CHECK (ledger_sum(amounts) IS NOT DISTINCT FROM 0)
);
COMMENT ON TABLE ledger_entry IS 'Double entry: amounts[i] goes into accounts[i].';

CREATE TABLE ledger_leg (
  account text COLLATE "C",
  entry   text COLLATE "C",
  PRIMARY KEY (account, entry)
);
COMMENT ON TABLE ledger_leg IS 'Which entries touch an account.';

CREATE TABLE ledger_account (
  account text COLLATE "C" PRIMARY KEY,
  -- 2^63 entries of 2^63 nano-dollars each fit.
  balance numeric(38, 0) NOT NULL,
  CONSTRAINT ledger_account_covered CHECK (balance >= 0 OR account = 'outside')
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_account IS 'The sum of the legs of each account, kept by the transaction that posts them.';

CREATE TABLE tenant (
  id         text COLLATE "C" PRIMARY KEY,
  name       text NOT NULL,
  address    text,
  created_at bigint NOT NULL
);

CREATE TABLE api_key (
  id           text COLLATE "C" PRIMARY KEY,
  tenant       text COLLATE "C" NOT NULL REFERENCES tenant (id),
  name         text NOT NULL,
  sha256       bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
  last_four    text NOT NULL CHECK (length(last_four) <= 4),
  created_at   bigint NOT NULL,
  revoked_at   bigint,
  last_used_at bigint
);
COMMENT ON TABLE api_key IS 'Of a key only its hash and its last four characters are kept.';
CREATE INDEX api_key_of_tenant ON api_key (tenant, id);

CREATE TABLE provider (
  address       text COLLATE "C" PRIMARY KEY,
  epoch         bigint NOT NULL,
  first_seen_at bigint NOT NULL,
  last_seen_at  bigint NOT NULL
);

CREATE TABLE blob (
  cid        text COLLATE "C" PRIMARY KEY,
  bytes      bigint NOT NULL CHECK (bytes >= 0),
  created_at bigint NOT NULL
);
CREATE INDEX blob_age ON blob (created_at, cid);

CREATE TABLE blob_ref (
  job text COLLATE "C" NOT NULL,
  cid text COLLATE "C" NOT NULL,
  PRIMARY KEY (job, cid),
  CONSTRAINT blob_ref_known FOREIGN KEY (cid) REFERENCES blob (cid)
);
COMMENT ON CONSTRAINT blob_ref_known ON blob_ref IS 'A blob cannot be collected while a job that refers to it is committed.';
CREATE INDEX blob_ref_of_blob ON blob_ref (cid);

CREATE TABLE writer (
  id     text COLLATE "C" PRIMARY KEY,
  number bigint NOT NULL,
  fence  bigint NOT NULL,
  at     bigint NOT NULL
);
COMMENT ON TABLE writer IS 'The last group of commits of each store that is open: how a store whose connection broke finds out what became of it.';
