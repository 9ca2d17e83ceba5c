// What may follow a compact line: stack traces, and what a policy event says beyond its function.

import { isObject, type Json, type JsonObject, listAt, numberAt, textAt } from '../filter/json.ts'
import { maybeQuote, type Style } from './compact_style.ts'

/** `Kernel:` and `User:` blocks, each line preceded by a newline; '' without stack traces. */
export function stackLines(event: JsonObject | undefined, style: Style): string {
  let text = ''
  const kernel = listAt(event, 'kernel_stack_trace')
  if (kernel.length > 0) {
    text += '\nKernel:'
    for (const entry of kernel) text += `\n   ${style.green(address(entry))}: ${symbol(entry, style)}`
  }
  const user = listAt(event, 'user_stack_trace')
  if (user.length > 0) {
    text += '\nUser:'
    for (const entry of user) {
      const place = `(${style.yellow(maybeQuote(textAt(entry, 'module')))}+${hex(entry, 'offset')})`
      text += `\n   ${style.green(address(entry))}: ${style.blue(textAt(entry, 'symbol'))} ${place}`
    }
  }
  return text
}

function address(entry: Json): string {
  return hex(entry, 'address')
}

function symbol(entry: Json, style: Style): string {
  return `${style.blue(textAt(entry, 'symbol'))}+${hex(entry, 'offset')}`
}

function hex(entry: Json, key: string): string {
  const text = textAt(entry, key)
  return `0x${/^\d+$/.test(text) ? BigInt(text).toString(16) : '0'}`
}

/** One more line for events of policies: `   policy=net action=sigkill args=["/etc/shadow",4] return=-1`. */
export function detailLine(event: JsonObject | undefined): string {
  if (!event || textAt(event, 'policy_name') === '') return ''
  const words = [`policy=${maybeQuote(textAt(event, 'policy_name'))}`, `action=${actionName(textAt(event, 'action'))}`]
  const args = listAt(event, 'args')
  if (args.length > 0) words.push(`args=[${args.map(argumentText).join(', ')}]`)
  if (event['return'] !== undefined) words.push(`return=${argumentText(event['return'])}`)
  if (textAt(event, 'message') !== '') words.push(`message=${maybeQuote(textAt(event, 'message'))}`)
  const tags = listAt(event, 'tags')
  if (tags.length > 0) words.push(`tags=${tags.map((tag) => maybeQuote(String(tag))).join(',')}`)
  return `\n   ${words.join(' ')}`
}

function actionName(action: string): string {
  return action.replace(/^KPROBE_ACTION_/, '').toLowerCase() || 'post'
}

/** The value of one argument: text and numbers as they are, structures by their most telling member. */
function argumentText(argument: Json | undefined): string {
  if (!isObject(argument)) return '?'
  const entry = Object.entries(argument).find(([key]) => key !== 'label')
  if (!entry) return '?'
  const [kind, value] = entry
  const label = textAt(argument, 'label')
  const prefix = label === '' ? '' : `${maybeQuote(label)}=`
  if (!isObject(value)) {
    return prefix + (kind.endsWith('bytes_arg') ? bytesText(String(value)) : maybeQuote(String(value)))
  }
  if (kind === 'sock_arg' || kind === 'skb_arg') {
    const from = `${textAt(value, 'saddr')}:${numberAt(value, 'sport')}`
    return `${prefix}${from}->${textAt(value, 'daddr')}:${numberAt(value, 'dport')}`
  }
  for (const key of ['path', 'name', 'addr', 'Message', 'value', 'bytes_arg']) {
    if (textAt(value, key) !== '') return prefix + maybeQuote(textAt(value, key))
  }
  return prefix + JSON.stringify(value)
}

function bytesText(base64: string): string {
  const bytes = Buffer.from(base64, 'base64')
  return `${bytes.length} bytes`
}
