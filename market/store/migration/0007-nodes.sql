CREATE TABLE node (
  id         text COLLATE "C" PRIMARY KEY,
  name       text COLLATE "C" NOT NULL UNIQUE,
  url        text,
  market     text COLLATE "C" NOT NULL,
  blobs      text COLLATE "C" NOT NULL,
  version    text NOT NULL,
  started_at bigint NOT NULL,
  beat       bigint NOT NULL,
  links      integer NOT NULL,
  jobs       integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE node IS 'The processes of this market that are up. Each raises its beat; one whose beat stands still for others is taken out.';
COMMENT ON COLUMN node.id IS 'Of one run of a node; its name outlasts it.';
COMMENT ON COLUMN node.url IS 'Where other nodes reach it; null for one that works alone.';
COMMENT ON COLUMN node.blobs IS 'Tells whether two nodes keep their blobs in the same place.';

ALTER TABLE job ADD COLUMN owner text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN job.owner IS 'The run of a node that writes this job. A commit that names another is refused.';

CREATE TABLE market_fact (
  name text COLLATE "C" PRIMARY KEY,
  fact text NOT NULL
);
COMMENT ON TABLE market_fact IS 'What all nodes of the market go by, as JSON: whether it drains, what the last audit said.';
