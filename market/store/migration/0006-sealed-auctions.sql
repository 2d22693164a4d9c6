CREATE TABLE auction (
  id      text COLLATE "C" PRIMARY KEY,
  job     text COLLATE "C" NOT NULL,
  summary text NOT NULL,
  body    bytea NOT NULL
);
COMMENT ON TABLE auction IS 'Transcripts of sealed auctions, signed by the market; written in the commit of the event that names them.';
COMMENT ON COLUMN auction.summary IS 'What lists show, as JSON.';
CREATE INDEX auction_of_job ON auction (job, id);
