import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Market } from '../market.ts'

/** Prometheus metrics of a node. */
export interface MarketMetrics {
  observeRequest(method: string, status: number, tookMs: number): void
  text(): Promise<string>
  readonly contentType: string
}

export const createMarketMetrics = (market: Market): MarketMetrics => {
  const registry = new Registry()
  const registers = [registry]
  const { jobs, supply } = market.modules
  const requests = new Histogram({
    name: 'muster_http_request_duration_seconds',
    help: 'Time to answer a request of the HTTP API.',
    labelNames: ['method', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const errors = new Counter({
    name: 'muster_http_errors_total',
    help: 'Requests answered with a status of 500 or more.',
    registers,
  })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const countTasks = (phase: 'waiting' | 'running') => {
    let sum = 0
    for (const actor of jobs.all()) sum += actor.peek()?.counts[phase] ?? 0
    return sum
  }
  gauge('muster_linked_agents', 'Agents linked to this node.', () => supply.linkedCount())
  gauge('muster_active_jobs', 'Jobs that are not closed.', () => jobs.count())
  gauge('muster_waiting_tasks', 'Tasks of active jobs that no slot has.', () => countTasks('waiting'))
  gauge('muster_running_tasks', 'Tasks of active jobs that are dispatched.', () => countTasks('running'))
  gauge('muster_free_slots', 'Slots of standing offers believed free.', () => {
    let sum = 0
    for (const offer of supply.free()) sum += supply.freeSlots(offer)
    return sum
  })
  const { cluster } = market
  if (cluster !== undefined) {
    gauge(
      'muster_nodes',
      'Nodes of the market that are up and answer, this one too.',
      () => cluster.reachable().length + 1,
    )
    gauge('muster_remote_links', 'Agents linked to other nodes.', () => cluster.remoteLinks())
    gauge('muster_bus_up', 'Whether the bus between nodes works.', () => Number(cluster.isBusUp()))
    gauge('muster_node_sure', 'Whether nobody can have taken this node out: 0, and it decides nothing.', () =>
      Number(cluster.isSure()),
    )
    gauge('muster_node_answers_missed_total', 'Answers of other nodes that came too late for an order.', () =>
      cluster.offers.missed(),
    )
  }
  gauge('muster_resident_memory_bytes', 'Resident memory of this process.', () => process.memoryUsage.rss())
  return {
    observeRequest: (method, status, tookMs) => {
      requests.observe({ method, status: String(status) }, tookMs / 1000)
      if (status >= 500) errors.inc()
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
