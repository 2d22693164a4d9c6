import type { Address, JobId } from '@muster/protocol'

/** One run of a node. */
export type NodeId = string

/** A process of this market that is up. */
export interface NodeRow {
  readonly id: NodeId
  /** The same from run to run; no two nodes that are up have one name. */
  readonly name: string
  /** Where other nodes reach it; `null` for one that works alone. */
  readonly url: string | null
  readonly market: Address
  /** Tells whether two nodes keep their blobs in the same place. */
  readonly blobs: string
  readonly version: string
  /** Wall-clock ms of the node. */
  readonly startedAt: number
  /** Rises as long as the node can write it. Nobody compares clocks. */
  readonly beat: number
  readonly links: number
  readonly jobs: number
}

/** What all nodes of a market go by, each as JSON. */
export type MarketFact = 'audit' | 'drain'

/** The nodes of a market, and which of them writes which job. */
export interface Nodes {
  /** Takes the place of an earlier run with the same name. */
  enter(node: Omit<NodeRow, 'beat'>): Promise<void>
  /** Raises the counter: whether the row was there still. */
  beat(id: NodeId, load: Pick<NodeRow, 'links' | 'jobs'>): Promise<boolean>
  /** By name. */
  list(): Promise<readonly NodeRow[]>
  /** Removes the row, where `beat` is given only while its counter stands there: whether it did. */
  remove(id: NodeId, beat?: number): Promise<boolean>
  /** Makes a node that is up the owner of at most `limit` open jobs whose owner is none, oldest first. */
  claim(id: NodeId, limit: number): Promise<readonly JobId[]>
  /** Owners of those of the jobs that are not closed. */
  ownersOf(jobs: readonly JobId[]): Promise<ReadonlyMap<JobId, NodeId>>
  facts(): Promise<ReadonlyMap<MarketFact, string>>
  /** `undefined` takes it away. */
  setFact(name: MarketFact, fact: string | undefined): Promise<void>
}
