ALTER TABLE blob ADD COLUMN uploader text COLLATE "C";
COMMENT ON COLUMN blob.uploader IS 'The tenant that brought the blob in when the market did not hold it; null where no tenant did, as for outputs.';
CREATE INDEX blob_of_uploader ON blob (uploader) WHERE uploader IS NOT NULL;
