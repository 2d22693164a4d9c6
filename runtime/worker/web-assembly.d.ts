// The part of WebAssembly's JavaScript interface that the worker touches; no type library of a project without DOM has it.
declare namespace WebAssembly {
  interface MemoryDescriptor {
    readonly initial: number
    readonly maximum?: number
    readonly shared?: boolean
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor)
    readonly buffer: ArrayBufferLike
  }
  class RuntimeError extends Error {}
}
