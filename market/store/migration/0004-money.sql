ALTER TABLE receipt_batch ADD COLUMN fee numeric(38, 0) NOT NULL DEFAULT 0;
COMMENT ON COLUMN receipt_batch.fee IS 'What of the amount the market keeps: the leg of the entry into the account of fees.';

ALTER TABLE ledger_entry ADD COLUMN note text;
COMMENT ON COLUMN ledger_entry.note IS 'Why an entry was made by hand, as JSON; null where what it rests on says so.';

CREATE TABLE account_notice (
  tenant   text COLLATE "C" NOT NULL REFERENCES tenant (id),
  number   integer NOT NULL CHECK (number > 0),
  at       bigint NOT NULL,
  standing text NOT NULL,
  since    bigint NOT NULL,
  balance  numeric(38, 0) NOT NULL,
  escrow   numeric(38, 0) NOT NULL,
  burn     numeric(38, 0) NOT NULL,
  below_ms bigint,
  PRIMARY KEY (tenant, number)
);
COMMENT ON TABLE account_notice IS 'What the market told a tenant of its money, in order: one row for each change of standing.';
COMMENT ON COLUMN account_notice.burn IS 'Nano-dollars an hour.';
