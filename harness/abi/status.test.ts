import { table } from "@attache/abi";
import { expect, it } from "vitest";
import { BufferType, MapType, MetricType, Status, StreamType } from "./status.ts";

it("numbers everything as the ABI table does", () => {
  const { enums } = table;
  expect({ Status, MapType, BufferType, StreamType, MetricType }).toEqual({
    Status: enums.Status,
    MapType: enums.MapType,
    BufferType: enums.BufferType,
    StreamType: enums.StreamType,
    MetricType: enums.MetricType,
  });
});
