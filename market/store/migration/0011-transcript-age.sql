ALTER TABLE auction ALTER COLUMN body DROP NOT NULL;
COMMENT ON COLUMN auction.body IS 'NULL once the transcript is older than transcripts are kept; what lists show stays.';
CREATE INDEX auction_with_body ON auction (id) WHERE body IS NOT NULL;
