import type { Hex, JobSpec, StandingOrder, StandingOrderId, TenantId } from '@muster/protocol'
import type { Names } from '../personal/names.ts'
import type { PersonalText } from '../store/personal-store.ts'

/** Stands where the name of the spec was: names are kept apart, sealed, so that they can be erased. */
const hidden = 'sealed'

interface Hidden {
  readonly name: string
  readonly nameSalt?: Hex
}

type Owner = Pick<StandingOrder, 'id' | 'tenant'>

/** The spec without its name, and the sealed name. */
export const hideName = async (
  owner: Owner,
  { name, nameSalt, ...rest }: JobSpec,
  names: Names,
): Promise<{ readonly spec: JobSpec; readonly text: PersonalText }> => {
  const what: Hidden = { name, ...(nameSalt === undefined ? {} : { nameSalt }) }
  return { spec: { ...rest, name: hidden }, text: await names.seal(owner, JSON.stringify(what)) }
}

const read = async (owners: readonly Owner[], names: Names): Promise<ReadonlyMap<string, Hidden>> => {
  const texts = await names.read(owners)
  return new Map([...texts].map(([id, text]) => [id, JSON.parse(text) as Hidden]))
}

/** The spec as it was placed; `undefined` where its name was erased. */
export const restoreSpec = async (order: StandingOrder, names: Names): Promise<JobSpec | undefined> => {
  const found = (await read([order], names)).get(order.id)
  return found === undefined ? undefined : { ...order.spec, ...found }
}

/** Names of standing orders by id; those that were erased are left out. */
export const readNames = async (
  owners: readonly { readonly id: StandingOrderId; readonly tenant: TenantId }[],
  names: Names,
): Promise<ReadonlyMap<string, string>> => new Map([...(await read(owners, names))].map(([id, { name }]) => [id, name]))
