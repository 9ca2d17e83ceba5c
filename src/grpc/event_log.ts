// The methods of EventLogService: how the export file is rotated, asked for and changed while it is written.
import { status } from '@grpc/grpc-js'
import { parseDuration } from '../config_value.ts'
import type { FileExporter } from '../export/file.ts'
import { DoorError } from './methods.ts'

const MEGABYTE = 1_000_000

type Method = (request: Record<string, unknown>, file: Pick<FileExporter, 'rotation' | 'configure'>) => object

export const EVENT_LOG_METHODS: Readonly<Record<string, Method>> = {
  GetEventLogParams: (_request, { rotation }) => ({
    max_size: Math.round(rotation.bytes_max / MEGABYTE),
    rotation_interval: durationText(rotation.age_ms_max),
    max_backups: rotation.backups_max,
  }),
  /** Only what the request has is changed. */
  SetEventLogParams: (request, file) => {
    const { max_size, rotation_interval, max_backups } = request
    file.configure({
      ...(max_size === undefined ? {} : { bytes_max: whole('max_size', max_size, 1) * MEGABYTE }),
      ...(max_backups === undefined ? {} : { backups_max: whole('max_backups', max_backups, 0) }),
      ...(rotation_interval === undefined ? {} : { age_ms_max: duration(String(rotation_interval)) }),
    })
    return {}
  },
}

function whole(name: string, value: unknown, least: number): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < least) {
    throw new DoorError(status.INVALID_ARGUMENT, `${name} must be at least ${least}, not ${String(value)}`)
  }
  return number
}

function duration(text: string): number {
  const ms = text === '' ? 0 : parseDuration(text)
  if (ms === null) throw new DoorError(status.INVALID_ARGUMENT, `rotation_interval "${text}" is no duration, as 1h30m`)
  return ms
}

/** As Go writes durations: `1h0m0s`, `90ms`, `0s`. */
export function durationText(ms: number): string {
  if (ms > 0 && ms < 1000) return `${ms}ms`
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1000]
  return (hours > 0 ? `${hours}h` : '') + (hours > 0 || minutes > 0 ? `${minutes}m` : '') + `${seconds}s`
}
