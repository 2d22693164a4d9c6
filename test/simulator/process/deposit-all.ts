import {
  newId,
  outsideAccount,
  stakeAccount,
  tenantAccount,
  transfer,
  type AccountName,
  type World,
} from '@muster/protocol'
import { createMemoryStore, createTenant } from '@muster/market'
import { createNames } from '../../../market/personal/names.ts'
import type { Tenant } from '../../../market/store/store.ts'
import type { Scenario } from '../scenario/scenario.ts'
import type { MarketNode } from './market-node.ts'
import type { Run } from './run.ts'
import { blobsFor } from './simulated-program.ts'

const usualBalance = 1_000_000_000n
const bondPerSlot = 10_000_000n

export interface SimulatedTenant extends Tenant {
  readonly name: string
}

/** What was there before the market's node started: tenants with money, providers with stakes, and the inputs and programs of jobs. */
export const depositAll = async (
  scenario: Pick<Scenario, 'tenants' | 'agents' | 'jobs'>,
  node: MarketNode,
  run: Run,
  world: World,
  balance = usualBalance,
): Promise<SimulatedTenant[]> => {
  const store = createMemoryStore({ disk: node.disk })
  const at = world.now()
  const deposit = (kind: 'deposit' | 'stake', to: AccountName, amount: bigint) =>
    transfer({ id: newId(world, 'entry'), kind, from: outsideAccount, to, amount, at })
  const names = createNames({ world, store, personalSecret: new Uint8Array(32) })
  const tenants: SimulatedTenant[] = []
  for (const [index, { custody }] of scenario.tenants.entries()) {
    const name = `tenant-${index}`
    const address = custody === 'tenant' ? run.keys.signerOf(name).address : undefined
    const { tenant } = await createTenant({ name, address }, { world, store, names })
    tenants.push({ id: tenant, name, address: address ?? null, createdAt: at })
  }
  const entries = [
    ...tenants.map(({ id }) => deposit('deposit', tenantAccount(id), balance)),
    ...scenario.agents
      .filter(({ bondedSlots }) => bondedSlots > 0)
      .map(({ name, bondedSlots }) =>
        deposit('stake', stakeAccount(run.keys.signerOf(name).address), bondPerSlot * BigInt(bondedSlots)),
      ),
  ]
  await store.commit({ entries })
  run.ledger.post(entries)
  const blobs = new Map(scenario.jobs.flatMap(blobsFor).map(({ cid, bytes }) => [cid, bytes]))
  for (const [cid, bytes] of blobs) {
    node.blobs.set(cid, bytes)
    await store.blobs.put({ cid, bytes: bytes.length, createdAt: at })
  }
  return tenants
}
