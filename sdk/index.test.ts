import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import * as sdk from './index.ts'

test('exports these names', () => {
  expect(Object.keys(sdk).toSorted()).toMatchInlineSnapshot(`
    [
      "MusterError",
      "blobListDigest",
      "chargeFor",
      "checkInputs",
      "checkLeaseAward",
      "checkProgram",
      "checkSpec",
      "checkStatement",
      "cidOf",
      "cidOfSource",
      "createMuster",
      "createSigner",
      "createTaskFinder",
      "createVerifier",
      "decodeManifest",
      "decodeTensor",
      "describeValue",
      "dtypeSize",
      "dtypes",
      "encodeTensor",
      "explainIssues",
      "failedRequirements",
      "formatUsd",
      "fromHex",
      "fromProblem",
      "isCid",
      "isDtype",
      "isId",
      "joinPath",
      "loadSecp256k1",
      "newId",
      "nobleSecp256k1",
      "parseAttemptId",
      "parseCid",
      "parseId",
      "parseUsd",
      "prepareProgram",
      "priceAxis",
      "priceUnitName",
      "rankOffers",
      "readTensorHeader",
      "receiptBundleSchema",
      "sayIssues",
      "sayRefusal",
      "sayUsd",
      "shownUsd",
      "signedLeaseSchema",
      "systemWorld",
      "tensorDigest",
      "toHex",
      "toJson",
      "toProblem",
      "transcriptBundleSchema",
      "verifyBill",
      "verifyReceipt",
      "verifyTranscript",
    ]
  `)
})

test('a client has these verbs', () => {
  expect(Object.keys(sdk.createMuster({ url: 'http://127.0.0.1:1' })).toSorted()).toMatchInlineSnapshot(`
    [
      "account",
      "accountEvents",
      "attemptLogs",
      "auditLedger",
      "call",
      "cancelJob",
      "cancelStandingOrder",
      "createKey",
      "extendLease",
      "getAuction",
      "getBlob",
      "getBlobRange",
      "getJob",
      "getProgram",
      "getStandingOrder",
      "getTensor",
      "listAuctions",
      "listJobs",
      "listLeases",
      "listOffers",
      "listProviders",
      "listReceipts",
      "listStandingOrders",
      "listTasks",
      "market",
      "match",
      "placeStandingOrder",
      "priceHistory",
      "priceIndex",
      "providerRecord",
      "publishProgram",
      "putBlob",
      "putBlobs",
      "putTensors",
      "refund",
      "resizeJob",
      "revokeKey",
      "runTasks",
      "runway",
      "standingOrderEvents",
      "statement",
      "streamBlob",
      "submitJob",
      "url",
      "waitForJob",
      "watchJob",
    ]
  `)
})

test('needs nothing that a browser lacks', () => {
  const folder = import.meta.dirname
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('fake'),
  )
  expect(files.length).toBeGreaterThan(20)
  const nodeBound = files.filter((file) =>
    /from 'node:|import\('node:|\bprocess\.|\bBuffer\b/.test(readFileSync(path.join(folder, file), 'utf8')),
  )
  expect(nodeBound).toEqual([])
})
