import type { Address } from '@muster/protocol'
import type { Supply } from '../supply/supply.ts'
import type { LinkNews, RemoteLink } from './hop/hop.ts'

/** Who is linked to this node, for the others to ask. */
export interface LocalLinks {
  /** An agent was linked, or no longer is. */
  changed(provider: Address): void
  /** What is new since a version; everything for -1, or where that was too long ago. */
  read(known: number): LinkNews
}

/** Changes that are remembered at least. A node that missed more of them reads all links. */
const keptChanges = 8_192

export const createLocalLinks = (supply: Pick<Supply, 'peers' | 'peer'>): LocalLinks => {
  /** The one at index `i` made version `forgotten + i + 1`. */
  let changes: Address[] = []
  let forgotten = 0

  return {
    changed: (provider) => {
      changes.push(provider)
      if (changes.length < 2 * keptChanges) return
      forgotten += changes.length - keptChanges
      changes = changes.slice(-keptChanges)
    },
    read: (known) => {
      const version = forgotten + changes.length
      const links: RemoteLink[] = []
      if (known < forgotten || known > version) {
        for (const { provider, epoch } of supply.peers()) links.push({ provider, epoch })
        return { version, isWhole: true, links, gone: [] }
      }
      const gone: Address[] = []
      for (const provider of new Set(changes.slice(known - forgotten))) {
        const peer = supply.peer(provider)
        if (peer === undefined) gone.push(provider)
        else links.push({ provider, epoch: peer.epoch })
      }
      return { version, isWhole: false, links, gone }
    },
  }
}
