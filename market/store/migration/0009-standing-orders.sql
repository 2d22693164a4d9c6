CREATE TABLE standing_order (
  id         text COLLATE "C" PRIMARY KEY,
  tenant     text COLLATE "C" NOT NULL,
  is_open    boolean NOT NULL,
  placed     text NOT NULL,
  version    integer NOT NULL CHECK (version > 0),
  state      text NOT NULL,
  updated_at bigint NOT NULL
);
COMMENT ON TABLE standing_order IS 'Specs that become jobs when the supply can take them. `state` is the fold of `version` events. Both texts are JSON.';
CREATE INDEX standing_order_of_tenant ON standing_order (tenant, id);
CREATE INDEX standing_order_open ON standing_order (id) WHERE is_open;
CREATE INDEX standing_order_changed ON standing_order (updated_at, id);

CREATE TABLE standing_order_event (
  standing_order text COLLATE "C" NOT NULL REFERENCES standing_order (id),
  number         integer NOT NULL CHECK (number > 0),
  event          text NOT NULL,
  PRIMARY KEY (standing_order, number)
);
COMMENT ON TABLE standing_order_event IS 'The timeline of a standing order, numbered from 1.';

CREATE TABLE price_hour (
  hour     bigint NOT NULL,
  kind     text COLLATE "C" NOT NULL,
  region   text COLLATE "C" NOT NULL,
  per      text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  tenant   text COLLATE "C" NOT NULL,
  amount   numeric(38, 0) NOT NULL CHECK (amount > 0),
  quantity numeric(38, 0) NOT NULL CHECK (quantity > 0),
  leases   integer NOT NULL CHECK (leases > 0),
  PRIMARY KEY (hour, kind, region, per, provider, tenant)
);
COMMENT ON TABLE price_hour IS 'What tenants paid providers within an hour: what prices are made from. Not for the public; can be had again from the receipts.';

CREATE TABLE price_hour_done (
  hour bigint PRIMARY KEY
);
COMMENT ON TABLE price_hour_done IS 'Hours whose receipts were added up.';

CREATE TABLE price_ask (
  hour   bigint NOT NULL,
  kind   text COLLATE "C" NOT NULL,
  region text COLLATE "C" NOT NULL,
  per    text COLLATE "C" NOT NULL,
  price  double precision NOT NULL CHECK (price >= 0),
  PRIMARY KEY (hour, kind, region, per)
);
COMMENT ON TABLE price_ask IS 'The lowest price that was asked within an hour.';
