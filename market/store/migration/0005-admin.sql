CREATE TABLE admin_key (
  id         text COLLATE "C" PRIMARY KEY,
  name       text NOT NULL,
  role       text NOT NULL CHECK (role IN ('owner', 'operator', 'support', 'auditor')),
  sha256     bytea NOT NULL CHECK (length(sha256) = 32),
  last_four  text NOT NULL CHECK (length(last_four) <= 4),
  created_by text NOT NULL,
  created_at bigint NOT NULL,
  revoked_at bigint
);
COMMENT ON TABLE admin_key IS 'Keys of the admin API beside the one the market was started with. Of a key only its hash and its last four characters are kept.';

CREATE TABLE admin_action (
  id         text COLLATE "C" PRIMARY KEY,
  at         bigint NOT NULL,
  actor      text COLLATE "C" NOT NULL,
  actor_name text NOT NULL,
  role       text NOT NULL,
  action     text NOT NULL,
  facts      text NOT NULL,
  reason     text NOT NULL,
  outcome    text NOT NULL CHECK (outcome IN ('asked', 'refused')),
  of         text COLLATE "C",
  code       text
);
COMMENT ON TABLE admin_action IS 'The admin log. A row is written before anything is done, and another one where it was refused.';
COMMENT ON COLUMN admin_action.facts IS 'JSON.';

CREATE FUNCTION admin_action_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the admin log is only ever appended to' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER admin_action_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON admin_action
  FOR EACH STATEMENT EXECUTE FUNCTION admin_action_stays();

CREATE TABLE denial (
  kind       text NOT NULL CHECK (kind IN ('tenant', 'program', 'region', 'provider')),
  subject    text COLLATE "C" NOT NULL,
  reason     text NOT NULL,
  at         bigint NOT NULL,
  "by"       text NOT NULL,
  expires_at bigint,
  stopped    boolean NOT NULL,
  PRIMARY KEY (kind, subject)
);
COMMENT ON TABLE denial IS 'Who or what is denied now. What was denied before is in the admin log.';
