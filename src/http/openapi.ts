// /v1/openapi.json: the routes as an OpenAPI 3.1 document; tests/http/openapi.test.ts compares it with the app.
import { Hono } from 'hono'
import { reference, SCHEMAS } from './openapi_schema.ts'

type Schema = keyof typeof SCHEMAS

interface Operation {
  readonly summary: string
  readonly security?: readonly object[]
  readonly parameters?: readonly object[]
  readonly requestBody?: object
  readonly responses: Readonly<Record<string, object>>
}

export function openapiRoutes(document: object): Hono {
  const app = new Hono()
  app.get('/v1/openapi.json', (c) => c.json(document))
  return app
}

function json(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema: reference(schema) } } }
}

const GUARDED = {
  401: json('Error', 'Token missing or wrong'),
  403: json('Error', 'Forged Host or request of another site'),
  429: json('Error', 'Too many requests'),
}
/** Open on the Unix socket and on loopback, unless --read-token. */
const READING = [{}, { bearer: [] }, { cookie: [] }]
const CHANGING = [{ bearer: [] }, { cookie: [] }]

function read(summary: string, responses: Operation['responses'], parameters: readonly object[] = []): Operation {
  return { summary, security: READING, parameters, responses: { ...responses, ...GUARDED } }
}

const NO_POLICIES = { 501: json('Mistakes', 'This agent runs without policies') }
const TIMES_OUT = {
  408: json('Error', 'The body did not come in time'),
  413: { description: 'Body larger than 4 MiB' },
}
const YAML = { required: true, content: { 'application/yaml': { schema: { type: 'string' } } } }

function change(summary: string, responses: Operation['responses'], requestBody?: object): Operation {
  return {
    summary,
    security: CHANGING,
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: {
      ...responses,
      ...(requestBody === undefined ? {} : TIMES_OUT),
      404: json('Mistakes', 'No such policy'),
      409: json('Mistakes', 'The name fits several policies, or is taken'),
      ...NO_POLICIES,
      ...GUARDED,
    },
  }
}

const TEXTS = { type: 'array', items: { type: 'string' } }

function query(name: string, description: string, schema: object = TEXTS) {
  return { name, in: 'query', description, schema }
}

function eventParameters(filters: Readonly<Record<string, string>>) {
  return [
    ...Object.entries(filters).map(([name, help]) => query(name, help)),
    query('since', 'Replay what came after the event with this id (BOOT-SEQ); also as header Last-Event-ID', {
      type: 'string',
    }),
    query('format', 'compact: one line of text per event', { type: 'string', enum: ['json', 'compact'] }),
  ]
}

const POLICY_PATHS = ['/v1/policies/{name}', '/v1/policies/{namespace}/{name}']

function policyItem(path: string) {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
  return {
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    get: read('One policy', {
      200: json('Policy', 'Its state'),
      404: json('Mistakes', 'No such policy'),
      409: json('Mistakes', 'The name fits several policies'),
      ...NO_POLICIES,
    }),
    put: change('Replace a policy without a gap', {
      200: json('Policy', 'The new state'),
      422: json('Mistakes', 'Nothing was changed'),
    }, YAML),
    patch: change('Switch mode, enable or disable', {
      200: json('Policy', 'The new state'),
      422: json('Mistakes', 'Nothing was changed'),
    }, { required: true, content: { 'application/json': { schema: reference('PolicyPatch') } } }),
    delete: change('Take a policy out', { 204: { description: 'Done' } }),
  }
}

/** `filters`: query parameters of /v1/events with their meaning. */
export function openapiDocument(version: string, filters: Readonly<Record<string, string>>) {
  const file = (type: string) => ({
    get: { summary: 'The web page', responses: { 200: content(type, 'Static file') } },
  })
  return {
    openapi: '3.1.0',
    info: { title: 'Thump', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths: {
      '/': file('text/html'),
      '/ui/page.ts': file('text/javascript'),
      '/ui/view.ts': file('text/javascript'),
      '/ui/page.css': file('text/css'),
      '/healthz': { get: { summary: 'Is the process alive', responses: { 200: json('Alive', 'Yes') } } },
      '/readyz': {
        get: {
          summary: 'Are sensors attached, and was an event seen',
          responses: { 200: json('Readiness', 'Yes'), 503: json('Readiness', 'Not yet') },
        },
      },
      '/metrics': {
        get: { summary: 'Prometheus metrics', responses: { 200: content('text/plain', 'Text format 0.0.4') } },
      },
      '/v1/openapi.json': {
        get: read('This document', { 200: content('application/json', 'OpenAPI 3.1') }),
      },
      '/v1/login': {
        post: {
          summary: 'Exchange the token for a session cookie',
          requestBody: { required: true, content: { 'application/json': { schema: reference('Login') } } },
          responses: { 204: { description: 'Cookie set' }, ...TIMES_OUT, ...GUARDED },
        },
      },
      '/v1/stop': {
        post: {
          summary: 'End the agent, as SIGTERM does',
          security: CHANGING,
          responses: { 202: json('Stopping', 'It ends'), ...GUARDED },
        },
      },
      '/v1/version': { get: read('Version of the agent', { 200: json('Version', 'Version') }) },
      '/v1/loss': { get: read('The loss ledger', { 200: json('Loss', 'Where events went') }) },
      '/v1/coverage': { get: read('What works on this kernel', { 200: json('Coverage', 'Each capability') }) },
      '/v1/processes': { get: read('The process cache', { 200: json('Processes', 'Living and remembered ones') }) },
      '/v1/processes/{exec_id}': {
        parameters: [{ name: 'exec_id', in: 'path', required: true, schema: { type: 'string' } }],
        get: read('One process with its relatives', {
          200: json('ProcessDetail', 'The process'),
          404: json('Error', 'Not known, or no longer'),
        }),
      },
      '/v1/events': {
        get: read('The live stream', {
          200: {
            description: 'Server-sent events; NDJSON where the Accept header asks for it',
            content: {
              'text/event-stream': { schema: { type: 'string' } },
              'application/x-ndjson': { schema: { type: 'string' } },
              'text/plain': { schema: { type: 'string' } },
            },
          },
          400: json('Error', 'The query cannot be understood'),
          503: json('Error', 'Too many subscribers'),
        }, eventParameters(filters)),
      },
      '/v1/policies': {
        get: read('All policies', { 200: json('Policies', 'Their states'), ...NO_POLICIES }),
        post: change('Load policies: all documents or none', {
          201: json('Policies', 'Their states'),
          422: json('Mistakes', 'Nothing was loaded'),
        }, YAML),
      },
      '/v1/policies/plan': {
        post: {
          ...change('Check policies and show what would be attached', {
            200: json('Plans', 'One plan per document'),
            422: json('Mistakes', 'What is wrong'),
          }, YAML),
          security: READING,
        },
      },
      ...Object.fromEntries(POLICY_PATHS.map((path) => [path, policyItem(path)])),
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The word in the file named by --token-file' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'thump_session', description: 'From /v1/login' },
      },
      schemas: SCHEMAS,
    },
  }
}

function content(type: string, description: string) {
  return { description, content: { [type]: {} } }
}
