import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { engineFolder } from '../engine/read-exec-spec.ts'
import { createFrameReader, layFrame, type Frame } from '../frame/frame.ts'
import type { WorkerAnswer, WorkerRequest } from '../worker/message.ts'
import type { CompiledPoolOptions } from './pool-options.ts'
import type { WorkerExit } from './worker-failure.ts'

export interface WorkerReply {
  readonly answer: WorkerAnswer
  readonly parts: readonly Uint8Array[]
}

export interface WorkerProcess {
  readonly pid: number
  /** The child's first word: ready, or why not. Null where it ended before. */
  readonly ready: Promise<WorkerReply | null>
  /** Sends a request and gives its answer, or null where the child ended first. One request at a time. */
  readonly ask: (request: WorkerRequest, parts: readonly Uint8Array[]) => Promise<WorkerReply | null>
  /** Sends what is not answered. */
  readonly tell: (request: WorkerRequest) => void
  /** Ends the child at once, whatever it is doing. */
  readonly kill: () => void
  readonly exit: Promise<WorkerExit>
}

const mainFile = fileURLToPath(new URL('../worker/main.ts', import.meta.url))
const graphTensorFolder = path.dirname(fileURLToPath(import.meta.resolve('@muster/graph/tensor')))
const stderrBytes = 4096
const heapMebibytes = 256

const runtimeFolder = path.resolve(path.dirname(mainFile), '..')

/** Where Node looks for a package: in `node_modules` of every folder from here up. */
const placesOf = (file: string): string[] => {
  const places: string[] = []
  for (let folder = runtimeFolder; ; folder = path.dirname(folder)) {
    places.push(path.join(folder, 'node_modules', file))
    if (folder === path.dirname(folder)) return places
  }
}

/** All a child may read: its own source, the tensor codec and the engine. It may write nothing and start nothing. */
const readable: readonly string[] = [
  runtimeFolder,
  graphTensorFolder,
  path.resolve(graphTensorFolder, '..', 'package.json'),
  ...placesOf('@muster/graph'),
  engineFolder,
  path.resolve(engineFolder, '..', 'onnxruntime-common'),
]

/** Node's own flags for a child. */
export const workerFlags: readonly string[] = [
  '--permission',
  '--allow-worker',
  ...readable.map((file) => `--allow-fs-read=${file}`),
  `--max-old-space-size=${heapMebibytes}`,
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=SecurityWarning',
]

/** Starts a child process of the pool: own heap, no environment, Node's permission model, a socket to talk over. */
export const startWorker = (options: CompiledPoolOptions): WorkerProcess => {
  const args = [
    ...workerFlags,
    mainFile,
    options.engineBinary,
    String(options.wasmBytes),
    String(options.memoryBytes),
    String(options.maxBodyBytes),
  ]
  const child = spawn(process.execPath, args, {
    cwd: path.dirname(mainFile),
    env: process.platform === 'win32' ? { SystemRoot: process.env['SystemRoot'] } : {},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    windowsHide: true,
    ...options.user,
  })
  const socket = socketOf(child)
  let waiting: ((reply: WorkerReply | null) => void) | null = null

  const next = (): Promise<WorkerReply | null> =>
    new Promise((resolve) => {
      waiting = resolve
    })
  const settle = (reply: WorkerReply | null): void => {
    const resolve = waiting
    waiting = null
    resolve?.(reply)
  }
  const send = (request: WorkerRequest, parts: readonly Uint8Array[]): void => {
    socket.cork()
    for (const bytes of layFrame(request, parts)) socket.write(bytes)
    socket.uncork()
  }
  const kill = (): void => {
    child.kill('SIGKILL')
  }

  const bounds = { headBytes: 2 ** 20, bodyBytes: options.maxBodyBytes }
  const read = createFrameReader(bounds, ({ head, parts }: Frame) => settle({ answer: head as WorkerAnswer, parts }))
  socket.on('data', (chunk) => {
    try {
      read(chunk)
    } catch {
      kill()
    }
  })
  // A child that dies while it is written to closes the socket with an error; `exit` tells the same more clearly.
  socket.on('error', () => {})
  let stderr = ''
  let hasEnded = false
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrBytes)
  })
  const ready = next()
  const exit = new Promise<WorkerExit>((resolve) => {
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      hasEnded = true
      socket.destroy()
      resolve({ code, signal, stderr })
      settle(null)
    }
    child.on('error', (error) => {
      stderr += error.message
      if (child.pid === undefined) finish(null, null)
    })
    child.on('close', finish)
  })
  return {
    pid: child.pid ?? 0,
    ready,
    ask: (request, parts) => {
      if (hasEnded) return Promise.resolve(null)
      const reply = next()
      send(request, parts)
      return reply
    },
    tell: (request) => send(request, []),
    kill,
    exit,
  }
}

const socketOf = (child: ChildProcess): Socket => {
  const socket = child.stdio[3]
  if (socket instanceof Socket) return socket
  throw new TypeError('the child has no socket')
}
