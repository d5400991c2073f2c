import type { Cluster, UpstreamRequest, UpstreamResponse } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { ask, ERROR, PASSED, proxy, send } from "./testing.ts";

const opa = (more: object = {}) => ({ name: "authz", opa: { cluster: "authz", timeout: "300ms", ...more } });

eachHost("auth-policy with OPA's data API", (start) => {
  const startWith = async (authz: Cluster, more: object = {}) => await start(proxy([opa(more)], { authz }));
  const answering = (result: unknown) => () => ({ body: JSON.stringify(result) });

  it("asks for the document with the input of its Envoy plugin", async () => {
    const inputs: unknown[] = [];
    const authz = (request: UpstreamRequest): UpstreamResponse => {
      inputs.push(JSON.parse(request.text()));
      return { body: '{"result":true}' };
    };
    await using host = await startWith(authz, { path: "/v1/data/shop/allow" });
    const headers = { host: "shop.example", "x-a": ["1", "2"], "x-bytes": '\xff"' };
    const path = "/a/%62%2fc%zz/?c=d&%63=e+f&g&i=%3d";
    expect(await ask(host, path, { headers })).toEqual(PASSED);
    const [asked] = host.requests("authz");
    expect([asked!.method, asked!.path, asked!.header("content-type")]).toEqual([
      "POST",
      "/v1/data/shop/allow",
      "application/json",
    ]);
    expect(inputs).toMatchObject([
      {
        input: {
          attributes: {
            source: {},
            request: {
              http: {
                method: "GET",
                path,
                host: "shop.example",
                scheme: "http",
                headers: { "x-a": "1,2", "x-bytes": '\ufffd"', ":authority": "shop.example" },
              },
            },
          },
          parsed_path: ["a", "b", "c%zz", ""],
          parsed_query: { c: ["d", "e f"], g: [""], i: ["="] },
        },
      },
    ]);
  });

  it("does not ask about more parameters than can be told apart, and lets nobody in who has them", async () => {
    await using host = await startWith(answering({ result: true }), { failOpen: true });
    const query = (count: number) => `/?${Array.from({ length: count }, (_, index) => index).join("&")}`;
    expect(await ask(host, query(1024))).toEqual(PASSED);
    expect(await ask(host, query(1025))).toEqual(ERROR);
    expect(host.requests("authz")).toHaveLength(1);
  });

  it("gives it the body if it wants to", async () => {
    const authz = (request: UpstreamRequest): UpstreamResponse => {
      const { input } = JSON.parse(request.text()) as {
        input: { truncated_body: boolean; attributes: { request: { http: { body: string } } } };
      };
      return {
        body: JSON.stringify({ result: input.attributes.request.http.body === "good" && !input.truncated_body }),
      };
    };
    await using host = await startWith(authz, { includeRequestBodyInCheck: { maxRequestBytes: 4, allowPartialMessage: true } }); // prettier-ignore
    expect(await ask(host, "/", { method: "POST", body: "good" })).toEqual(PASSED);
    expect(await ask(host, "/", { method: "POST", body: "goods" })).toEqual(ERROR);
  });

  it("does with the request, the response and the refusal what an object says", async () => {
    const allowed = {
      allowed: true,
      headers: { "x-user": "ann", "x-group": ["a", "b"] },
      request_headers_to_remove: ["x-secret"],
      response_headers_to_add: { "x-checked": "yes" },
    };
    const denied = { allowed: false, headers: { "x-why": "no" }, http_status: 401, body: "who are you?" };
    await using host = await startWith((request) => ({
      body: JSON.stringify({ result: request.text().includes("/no") ? denied : allowed }),
    }));
    const passed = await send(host, "/", { headers: { "x-user": "forged", "x-secret": "s" } });
    expect([passed.status, passed.header("x-checked")]).toEqual([200, "yes"]);
    const [request] = host.requests("app");
    const values = (name: string) => request!.headers.filter(([key]) => key === name).map(([, value]) => value);
    expect(["x-user", "x-group", "x-secret"].map(values)).toEqual([["ann"], ["a", "b"], []]);
    const refused = await send(host, "/no");
    expect([refused.status, refused.text(), refused.header("x-why")]).toEqual([401, "who are you?", "no"]);
  });

  it.each<[string, unknown, number]>([
    ["false", { result: false }, 403],
    ["a document that is not defined", {}, 403],
    ["a text", { result: "true" }, 500],
    ["a number", { result: 1 }, 500],
    ["null", { result: null }, 500],
    ["an object without a word", { result: {} }, 500],
    ["an object with a text", { result: { allowed: "true" } }, 500],
    ["another host", { result: { allowed: true, headers: { host: "evil" } } }, 500],
    ["a header that is a number", { result: { allowed: true, headers: { "x-a": 1 } } }, 500],
    ["a header that ends", { result: { allowed: true, headers: { "x-a": "b\r\nc: d" } } }, 500],
    ["headers to remove that are none", { result: { allowed: true, request_headers_to_remove: "x-a" } }, 500],
    ["a status that HTTP does not have", { result: { allowed: false, http_status: 1e6 } }, 500],
    ["a list", [true], 500],
    ["truth alone", true, 500],
  ])("refuses by %s, even with failOpen", async (_, answer, status) => {
    await using host = await startWith(answering(answer), { failOpen: true, statusOnError: 500 });
    expect((await ask(host))[0]).toBe(status);
    expect(host.requests("app")).toEqual([]);
  });

  it("refuses by what is no JSON, or says two things", async () => {
    for (const body of [
      "",
      "true",
      '{"result":true',
      '{"result":false,"result":true}',
      `{"result":true}${" ".repeat(65_536)}`,
    ]) {
      // prettier-ignore
      await using host = await startWith(() => ({ body }), { failOpen: true });
      expect([body.length, await ask(host)]).toEqual([body.length, ERROR]);
    }
  });

  it.each<[string, Cluster]>([
    ["fails", () => ({ status: 500 })],
    ["knows no such document", () => ({ status: 404, body: '{"result":true}' })],
    ["is late", () => ({ body: '{"result":true}', delayMs: 800 })],
    ["has no host", { hosts: [] }],
  ])("lets nobody in when it %s, but with failOpen", async (_, authz) => {
    await using closed = await startWith(authz);
    expect(await ask(closed)).toEqual(ERROR);
    await using open = await startWith(authz, { failOpen: true });
    expect(await ask(open)).toEqual(PASSED);
  });
});
