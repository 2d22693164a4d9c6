import { hkdfSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import {
  createLog,
  createSigner,
  createVerifier,
  loadSecp256k1,
  systemWorld,
  type Address,
  type Log,
} from '@muster/protocol'
import { aloneLink, openClusterLink } from './cluster/open-cluster-link.ts'
import { openDiskBlobs } from './blob/disk-blobs.ts'
import type { NodeTools } from './http/admin-handlers.ts'
import { createApp } from './http/app.ts'
import { statusOf } from './http/error-response.ts'
import { requireFreePort } from './http/require-free-port.ts'
import { serve } from './http/serve.ts'
import { createLinkServer } from './link/link-server.ts'
import { createMarket } from './market.ts'
import { version } from './version.ts'
import { createMarketMetrics } from './metric/market-metrics.ts'
import type { MarketOptions } from './options.ts'
import { createModelChecker } from './program/model-checker.ts'
import { secretFile } from './secret-file.ts'
import { sealKey } from './store/backup/seal-key.ts'
import { writeBackup } from './store/backup/write-backup.ts'
import { openStore } from './store/open-store.ts'

export interface RunningMarket {
  readonly url: string
  readonly address: Address
  /** Bearer key of the admin API. */
  readonly adminKey: string
  /** Stops in reverse order of starting; resolves when everything is let go of. */
  close(): Promise<void>
}

/** A whole node on the real world: key, store, blobs, links, HTTP. Closes what was opened where a later step fails. */
export const runMarket = async (options: MarketOptions, writeLog: (line: string) => void): Promise<RunningMarket> => {
  const world = systemWorld
  const log: Log = createLog(writeLog, world, options.logLevel)
  const closers: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  const random = (byteCount: number) => world.random(byteCount)
  try {
    await requireFreePort(options.host, options.port)
    const directory = path.resolve(options.dataDirectory)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const secp256k1 = await loadSecp256k1()
    const secret = await secretFile(path.join(directory, 'market.key'), random)
    const adminSecret = await secretFile(path.join(directory, 'admin.key'), random)
    const adminKey = options.adminKey ?? Buffer.from(adminSecret).toString('hex')
    const signer = createSigner(secp256k1, secret)
    const personalSecret = new Uint8Array(hkdfSync('sha256', secret, '', 'muster personal data', 32))

    const ownDatabase = path.join(directory, 'postgres')
    if (options.databaseUrl !== undefined && existsSync(ownDatabase))
      log.warn('the database this market had to itself is left unread', { directory: ownDatabase })
    const store = await openStore({ directory, databaseUrl: options.databaseUrl }, { world, log })
    closers.push(() => store.close())
    const { natsUrl, databaseUrl } = options
    const isShared = natsUrl !== undefined
    const ownName = `${hostname()}:${options.port === 0 ? process.pid : options.port}`
    const name = options.nodeName ?? (databaseUrl === undefined ? 'alone' : ownName)
    const blobs = await openDiskBlobs(path.join(directory, 'blobs'), world, undefined, isShared ? name : '')
    const place = Buffer.from(await secretFile(path.join(directory, 'blobs', 'place'), random)).toString('hex')
    const opened = isShared
      ? await openClusterLink(
          {
            name,
            blobs: place,
            natsUrl,
            host: options.nodeHost,
            port: options.nodePort,
            url: options.nodeUrl,
            market: signer.address,
            secret,
          },
          { world, log },
        )
      : { link: aloneLink(name, place, world), close: async () => {} }
    closers.push(opened.close)
    const models = createModelChecker({ world, log })
    closers.push(() => models.close())
    const market = createMarket(options, {
      world,
      store,
      blobs,
      secp256k1,
      signer,
      personalSecret,
      log,
      checkModel: models.check,
      cluster: opened.link,
    })
    closers.push(() => market.stop())
    const links = createLinkServer(
      { market: signer.address, chainId: options.chainId },
      {
        world,
        verifier: createVerifier(secp256k1),
        handlers: market.peers,
        acceptEpoch: market.acceptEpoch,
        statusOf,
        log,
      },
    )
    market.issueChallenge = links.issueChallenge
    market.supersede = links.supersede
    const tools: NodeTools = {
      machine: {
        processId: process.pid,
        memoryBytes: () => process.memoryUsage.rss(),
        databaseBytes: store.databaseBytes,
        disk: async () => {
          const { bavail, blocks, bsize } = await statfs(directory)
          return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
        },
      },
      backup: async (part, passphrase) => {
        const key = passphrase === undefined ? null : await sealKey(secret, passphrase, signer.address, world)
        return writeBackup(
          { part, connection: store.connection, domain: market.domain, version, key },
          { world, signer },
        )
      },
    }
    const app = createApp({ market, metrics: createMarketMetrics(market), adminKey, log, tools })
    await market.start()
    const served = await serve(app, links, options.host, options.port)
    closers.push(() => served.close())
    // Links that close with the server are no news of their agents: the market stops deciding first.
    closers.push(() => market.stop())
    log.info('ready', { url: served.url, node: name, address: signer.address, chainId: options.chainId })
    return { url: served.url, address: signer.address, adminKey, close }
  } catch (error) {
    await close()
    throw error
  }
}
