export { fakeApiKey, startFakeMarket, type FakeMarket, type FakeMarketOptions, type Fault } from './fake-market.ts'
export { noopSpec } from './job-spec.ts'
export { createFakeNetwork, signerNamed, type FakeNetwork, type FakeNetworkOptions } from './fake-network.ts'
export { listOf } from './list-of.ts'
