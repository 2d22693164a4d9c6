import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import * as protocol from './index.ts'

const root = import.meta.dirname
const index = readFileSync(path.join(root, 'index.ts'), 'utf8')
const listed = new Set([...index.matchAll(/[{,]\s*(?:type )?(\w+)/g)].map(([, name]) => name ?? ''))

/** Folders whose files serve the tests of this workspace. */
const forTests = ['arbitrary', 'vector']

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && file !== 'index.ts' && !file.includes('node_modules'),
)
const tests = files.filter((file) => file.endsWith('.test.ts'))
const sources = files.filter((file) => !file.endsWith('.test.ts') && !forTests.includes(file.split(path.sep)[0] ?? ''))

const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8')

const exportsOf = (file: string): string[] =>
  [...textOf(file).matchAll(/^export (?:declare )?(?:const|function|class) (\w+)/gm)].map(([, name]) => name ?? '')

const importsOf = (file: string): string[] =>
  [...textOf(file).matchAll(/^import (?:type )?\{([^}]*)\}/gm)].flatMap(([, names]) =>
    (names ?? '').split(',').map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/ as .*/, ''),
    ),
  )

test('what a file exports is public, or used by another file of this workspace', () => {
  const used = new Set([...sources, ...tests].flatMap(importsOf))
  const lost = sources.flatMap((file) =>
    exportsOf(file)
      .filter((name) => !listed.has(name) && !used.has(name))
      .map((name) => `${name} of ${file}`),
  )
  expect(lost).toEqual([])
})

test('every schema of a record, a message or a request is public, and so is its type', () => {
  const schemas = sources.flatMap(exportsOf).filter((name) => /^signed\w+Schema$/.test(name))
  expect(schemas.length).toBeGreaterThan(6)
  const names = schemas.flatMap((name) => [name, name.replace(/^s/, 'S').replace(/Schema$/, '')])
  expect(names.filter((name) => name !== 'Signed' && !listed.has(name))).toEqual([])
})

test('the index names what it exports', () => {
  expect(index).not.toMatch(/export \*|export default/)
  expect(sources.flatMap((file) => textOf(file).match(/^export (?:\*|default)/gm) ?? [])).toEqual([])
})

test('the public surface', () => {
  expect(Object.keys(protocol).toSorted()).toMatchInlineSnapshot(`
    [
      "MusterError",
      "accountRoute",
      "addressOf",
      "addressSchema",
      "agentMessageSchema",
      "attemptId",
      "attemptIdSchema",
      "attemptLogsRoute",
      "attributesSchema",
      "awardSchema",
      "batchSigningHash",
      "batchTree",
      "blobCidOf",
      "blobListDigest",
      "blobNameSchema",
      "blobPath",
      "bondAccount",
      "callNameOf",
      "callPath",
      "cancelJobRoute",
      "canonicalEvent",
      "challengeRoute",
      "chargeFor",
      "checkBlob",
      "checkClaim",
      "cidOf",
      "cidOfSha256",
      "cidSchema",
      "claimSchema",
      "closeReasonOf",
      "closeReasons",
      "closingEvents",
      "countAttempts",
      "coversResources",
      "createKeyRoute",
      "createLog",
      "createMessageReceiver",
      "createMessageSender",
      "createSigner",
      "createTenantRoute",
      "createVerifier",
      "decodeCanonical",
      "decodeProblem",
      "defaultLinkLimits",
      "defineRoute",
      "depositRoute",
      "describeEvent",
      "digestBytes",
      "digestOf",
      "digestSchema",
      "earningsAccount",
      "encodeCanonical",
      "encodeMessage",
      "encodeProblem",
      "entryKinds",
      "errorCodes",
      "escrowAccount",
      "exhaustedTasks",
      "expiredTasks",
      "explainNoFit",
      "failedRequirements",
      "feesAccount",
      "fillPath",
      "findBlobsRoute",
      "flagOf",
      "formatUsd",
      "freeCapacity",
      "fromHex",
      "fromProblem",
      "getBlobRoute",
      "getJobRoute",
      "gpuSchema",
      "helloHeader",
      "hexSchema",
      "idPrefixes",
      "idSchema",
      "inlineBlobBytes",
      "isCid",
      "isErrorCode",
      "isId",
      "isLive",
      "isWellFormedSignature",
      "jobSpecSchema",
      "jobViewSchema",
      "leaseSchema",
      "limitsSchema",
      "linkCalls",
      "linkCloseReasons",
      "linkClosed",
      "linkHelloSchema",
      "linkPath",
      "linkProtocol",
      "listJobsRoute",
      "listOffersRoute",
      "listReceiptsRoute",
      "listTasksRoute",
      "liveAttempt",
      "loadSecp256k1",
      "marketMessageSchema",
      "marketRoute",
      "matchRoute",
      "maxClockSkewMs",
      "maxPathLength",
      "maxTasks",
      "mayBeNegative",
      "merkleLeaf",
      "merkleNode",
      "merkleRoot",
      "merkleTree",
      "messagesPath",
      "meterSchema",
      "nameSchema",
      "namedBlobSchema",
      "nanoUsdSchema",
      "nearMissSchema",
      "netOf",
      "newCapacity",
      "newId",
      "newIds",
      "newTask",
      "nextDispatch",
      "nobleSecp256k1",
      "nonNegativeNanoUsdSchema",
      "offerSchema",
      "openApiDocument",
      "openLease",
      "orderSchema",
      "outsideAccount",
      "overdrawn",
      "parseAttemptId",
      "parseCid",
      "parseId",
      "parseUsd",
      "pickFromGroup",
      "placementSchema",
      "postEntries",
      "priceSchema",
      "priceUnits",
      "problemSchema",
      "problemType",
      "providerRoute",
      "putBlobRoute",
      "rankOffers",
      "receiptBundleSchema",
      "receiptSchema",
      "recordBytes",
      "recordDigest",
      "recordSigningHash",
      "refuseTransition",
      "replayJob",
      "requireFree",
      "reservationSchema",
      "resourcesSchema",
      "restoreEvent",
      "restoreJob",
      "revokeKeyRoute",
      "routes",
      "runtimeKindSchema",
      "runtimeKinds",
      "sayOptions",
      "sha256OfCid",
      "signBatch",
      "signGroup",
      "signRecord",
      "signTogether",
      "signatureSchema",
      "signedClaimSchema",
      "signedGroupSchema",
      "signedLeaseSchema",
      "signedLinkHelloSchema",
      "signedOfferSchema",
      "signedOrderSchema",
      "signedReceiptSchema",
      "signedReservationSchema",
      "signedSchema",
      "silentLog",
      "sleep",
      "slotsThatFit",
      "slotsWanted",
      "snapshotJob",
      "spreadGroup",
      "spreadSignature",
      "stakeAccount",
      "startAttempt",
      "startBatchSchema",
      "startsOf",
      "stepAttempt",
      "stepCapacity",
      "stepJob",
      "stepLease",
      "stepTask",
      "submitJobRoute",
      "systemWorld",
      "takesWork",
      "taskCountsSchema",
      "taskId",
      "taskPhase",
      "taskSpecSchema",
      "taskViewSchema",
      "tenantAccount",
      "timeSchema",
      "timelineEventSchema",
      "timelineTaskSchema",
      "tlsExporterLabel",
      "toHex",
      "toJson",
      "toProblem",
      "transfer",
      "variableOf",
      "watchJobRoute",
      "watchProgress",
      "writeHex",
    ]
  `)
})
