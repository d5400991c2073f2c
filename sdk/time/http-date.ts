import { encodeText } from "../memory/utf8";
import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";

/** What {@link parseHttpDate} answers for bytes that are not a date. */
export const NO_DATE: i64 = i64.MIN_VALUE;

/**
 * `seconds` since the Unix epoch as HTTP writes it (RFC 9110 §5.6.7, IMF-fixdate): `Sun, 06 Nov 1994 08:49:37 GMT`. Times
 * outside the years 0 to 9999 are brought to the nearest.
 *
 * Allowed everywhere; valid until the callback returns. Cost: no garbage.
 */
export function formatHttpDate(seconds: i64): ByteView {
  seconds = min(max(seconds, FIRST_SECOND), LAST_SECOND);
  const days = floorDivide(seconds, DAY);
  const time = <u32>(seconds - days * DAY);
  const date = takeScratch(29);
  const weekday = <u32>((((days + 4) % 7) + 7) % 7);
  memory.copy(date, encodeText(weekdays()) + weekday * 3, 3);
  memory.copy(date + 3, encodeText(", 00 Xxx 0000 00:00:00 GMT"), 26);

  // The year is counted from March, so that a leap day is its last.
  const sinceMarch = days + DAYS_TO_EPOCH;
  const era = floorDivide(sinceMarch, DAYS_PER_ERA);
  const dayOfEra = <u32>(sinceMarch - era * DAYS_PER_ERA);
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const month = (5 * dayOfYear + 2) / 153;
  const day = dayOfYear - (153 * month + 2) / 5 + 1;
  const year = <u32>(era * 400) + yearOfEra + u32(month >= 10);

  writeDigits(date + 5, day, 2);
  memory.copy(date + 8, encodeText(months()) + ((month + 2) % 12) * 3, 3);
  writeDigits(date + 12, year, 4);
  writeDigits(date + 17, time / 3600, 2);
  writeDigits(date + 20, (time / 60) % 60, 2);
  writeDigits(date + 23, time % 60, 2);
  return ByteView.of(date, 29);
}

/**
 * Seconds since the Unix epoch of the `length` bytes at `start`: one of the three forms of RFC 9110 §5.6.7, exactly.
 * {@link NO_DATE} for everything else, also for a day that its month lacks. The name of the weekday is not compared with
 * the date.
 *
 * `now`, in the same seconds, settles the two-digit years of the form of RFC 850: a date more than 50 years ahead lies in
 * the past.
 */
export function parseHttpDate(start: usize, length: i32, now: i64): i64 {
  if (length == 29) return readForm(start, length, "w, d m Y h:i:s GMT", now);
  if (length == 24) return readForm(start, length, "w m D h:i:s Y", now);
  return readForm(start, length, "W, d-m-y h:i:s GMT", now);
}

const DAY: i64 = 86_400;
/** 0000-01-01 and 9999-12-31T23:59:59. */
const FIRST_SECOND: i64 = -62_167_219_200;
const LAST_SECOND: i64 = 253_402_300_799;
/** From 0000-03-01 to 1970-01-01. */
const DAYS_TO_EPOCH: i64 = 719_468;
/** Days of 400 years. */
const DAYS_PER_ERA: i64 = 146_097;

// Functions, because a constant string would stand in every filter.
// @ts-ignore: decorator
@inline
function weekdays(): string {
  return "SunMonTueWedThuFriSat";
}

// @ts-ignore: decorator
@inline
function months(): string {
  return "JanFebMarAprMayJunJulAugSepOctNovDec";
}

/**
 * Reads by a form in which `w` and `W` are the short and long weekday, `d` and `D` the day with a zero or blank before it,
 * `m` the month, `y` and `Y` the year, `h`, `i` and `s` the time; everything else stands for itself.
 */
function readForm(from: usize, length: i32, form: string, now: i64): i64 {
  const end = from + length;
  let day: i32 = 0;
  let month: i32 = 0;
  let year: i32 = 0;
  let hour: i32 = 0;
  let minute: i32 = 0;
  let second: i32 = 0;
  for (let at = 0; at < form.length; at++) {
    const unit = form.charCodeAt(at);
    const left = <i32>(end - from);
    let size = 2;
    let value: i32 = 0;
    if (unit == 0x77 || unit == 0x57) {
      size = unit == 0x77 ? 3 : longWeekdaySize(from, left);
      value = left < 3 ? -1 : nameIndex(from, weekdays(), 7);
    } else if (unit == 0x6d) {
      size = 3;
      value = month = left < 3 ? -1 : nameIndex(from, months(), 12);
    } else if (unit == 0x59) {
      size = 4;
      value = year = left < 4 ? -1 : readDigits(from, 4);
    } else if (unit == 0x44 && left > 1 && load<u8>(from) == 0x20) {
      value = day = readDigits(from + 1, 1);
    } else if (unit == 0x64 || unit == 0x44) value = day = left < 2 ? -1 : readDigits(from, 2);
    else if (unit == 0x79) value = year = left < 2 ? -1 : readDigits(from, 2);
    else if (unit == 0x68) value = hour = left < 2 ? -1 : readDigits(from, 2);
    else if (unit == 0x69) value = minute = left < 2 ? -1 : readDigits(from, 2);
    else if (unit == 0x73) value = second = left < 2 ? -1 : readDigits(from, 2);
    else {
      size = 1;
      if (left < 1 || <i32>load<u8>(from) != unit) return NO_DATE;
    }
    if (value < 0 || size == 0) return NO_DATE;
    from += size;
  }
  // 60 is a leap second.
  if (from != end || hour > 23 || minute > 59 || second > 60) return NO_DATE;
  const time = (hour * 60 + minute) * 60 + second;
  if (form.charCodeAt(0) == 0x57) {
    const century = <i32>((floorDivide(now, DAY) + DAYS_TO_EPOCH) / 36524) * 100;
    year += century + 100;
    while (secondsOf(year - 50, month, day, time) > now) year -= 100;
  }
  if (day < 1 || day > daysOf(year, month)) return NO_DATE;
  return secondsOf(year, month, day, time);
}

function secondsOf(year: i32, month: i32, day: i32, time: i32): i64 {
  const shifted: i64 = year - i32(month < 2);
  const era = floorDivide(shifted, 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear: i64 = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return (era * DAYS_PER_ERA + dayOfEra - DAYS_TO_EPOCH) * DAY + time;
}

function daysOf(year: i32, month: i32): i32 {
  if (month == 1) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 3 || month == 5 || month == 8 || month == 10 ? 30 : 31;
}

/** Where the three letters at `from` stand among `count` names of three letters, or -1. */
function nameIndex(from: usize, names: string, count: i32): i32 {
  const encoded = encodeText(names);
  for (let index = 0; index < count; index++) {
    if (memory.compare(from, encoded + index * 3, 3) == 0) return index;
  }
  return -1;
}

/** Bytes of the whole name of a weekday, or 0. */
function longWeekdaySize(from: usize, left: i32): i32 {
  const names = encodeText("Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,");
  let start = 0;
  for (let count = 0; count < 7; count++) {
    let size = 0;
    while (load<u8>(names + start + size) != 0x2c) size++;
    if (size <= left && memory.compare(from, names + start, size) == 0) return size;
    start += size + 1;
  }
  return 0;
}

/** A number of `count` digits, or -1. */
function readDigits(from: usize, count: i32): i32 {
  let value = 0;
  for (let index = 0; index < count; index++) {
    const digit = <u32>load<u8>(from + index) - 0x30;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function writeDigits(to: usize, value: u32, count: i32): void {
  for (let index = count - 1; index >= 0; index--) {
    store<u8>(to + index, <u8>(0x30 + (value % 10)));
    value /= 10;
  }
}

function floorDivide(value: i64, by: i64): i64 {
  return (value >= 0 ? value : value - by + 1) / by;
}
