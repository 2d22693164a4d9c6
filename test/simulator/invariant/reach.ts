import type { Address } from '@muster/protocol'

/** Which agents a market could really reach, and when: from what the network did, not from what the market thinks. */
export interface Reach {
  linked(provider: Address, epoch: number): void
  /** The agent answered a question about its leases. */
  answered(provider: Address, epoch: number): void
  unlinked(provider: Address, epoch: number): void
  /** The agent's process has ended. */
  gone(provider: Address): void
  /** The market's process has ended. */
  allGone(): void
  held(provider: Address, isHeld: boolean): void
  /** While the nodes of a market do not reach each other, nobody can say which agents it reaches: none counts. */
  parted(isParted: boolean): void
  /** When the agent was last reachable for at least a second, which is enough to ask it about every lease. */
  lastAt(provider: Address): number
  /** How long the agent has been reachable without a break. */
  steadyMs(provider: Address): number
}

interface Contact {
  epoch: number
  isLinked: boolean
  hasAnswered: boolean
  isHeld: boolean
  since: number | null
  until: number
}

const settledMs = 1_000

export const createReach = (now: () => number): Reach => {
  const contacts = new Map<Address, Contact>()
  let isParted = false

  const contactOf = (provider: Address): Contact => {
    const known = contacts.get(provider)
    if (known !== undefined) return known
    const contact = { epoch: 0, isLinked: false, hasAnswered: false, isHeld: false, since: null, until: -Infinity }
    contacts.set(provider, contact)
    return contact
  }

  const look = (contact: Contact): void => {
    const isReachable = !isParted && contact.isLinked && contact.hasAnswered && !contact.isHeld
    if (isReachable) contact.since ??= now()
    else if (contact.since !== null) {
      if (now() - contact.since >= settledMs) contact.until = now()
      contact.since = null
    }
  }

  const unlink = (contact: Contact): void => {
    contact.isLinked = false
    look(contact)
  }

  const change = (provider: Address, epoch: number, apply: (contact: Contact) => void): void => {
    const contact = contactOf(provider)
    if (contact.epoch !== epoch) return
    apply(contact)
    look(contact)
  }

  return {
    linked: (provider, epoch) => {
      const contact = contactOf(provider)
      unlink(contact)
      Object.assign(contact, { epoch, isLinked: true, hasAnswered: false })
    },
    answered: (provider, epoch) =>
      change(provider, epoch, (contact) => {
        contact.hasAnswered = true
      }),
    unlinked: (provider, epoch) => change(provider, epoch, unlink),
    gone: (provider) => unlink(contactOf(provider)),
    allGone: () => contacts.forEach(unlink),
    held: (provider, isHeld) => {
      const contact = contactOf(provider)
      contact.isHeld = isHeld
      look(contact)
    },
    parted: (parted) => {
      isParted = parted
      contacts.forEach(unlink)
    },
    lastAt: (provider) => {
      const { since, until } = contactOf(provider)
      return since !== null && now() - since >= settledMs ? now() : until
    },
    steadyMs: (provider) => {
      const { since } = contactOf(provider)
      return since === null ? 0 : now() - since
    },
  }
}
