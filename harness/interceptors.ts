import { HarnessError } from "./errors.ts";
import type { HeadersInit, MockCluster, UpstreamRequest, UpstreamResponse } from "./host.ts";

/** Which requests an interceptor answers; what is absent may be anything. */
export interface InterceptedRequest {
  /** Of the path with its query: this text, or what matches. */
  path: string | RegExp;
  method?: string;
  /** Headers that must be there, each this text or matching. */
  headers?: Readonly<Record<string, string | RegExp>>;
  /** Of the body as UTF-8. */
  body?: string | RegExp;
}

export interface ReplyOptions {
  headers?: HeadersInit;
  trailers?: HeadersInit;
}

/** What becomes of requests that match. */
export interface Interceptor {
  /** Answers so; once, unless {@link times} or {@link persist} say otherwise. */
  reply(status: number, body?: string | Uint8Array, options?: ReplyOptions): this;
  /** Answers what the function returns. */
  reply(answer: (request: UpstreamRequest) => UpstreamResponse): this;
  /** Closes the connection without an answer. */
  reset(): this;
  /** Waits so long before it answers. */
  delay(milliseconds: number): this;
  /** Answers so many requests. */
  times(count: number): this;
  /** Answers as many as come, or none. */
  persist(): this;
}

/**
 * A mocked cluster that expects its requests. Each goes to the first interceptor that matches and is not used up; one that none
 * expects is answered 501, and fails {@link assertNoPendingInterceptors}.
 *
 * ```ts
 * using auth = mockCluster();
 * auth.intercept({ path: "/check", method: "POST" }).reply(200, "yes").delay(50).times(2);
 * await using host = await start({ plugins, clusters: { auth } });
 * ```
 *
 * With `using`, the test fails at its end when a request did not come or an unexpected one did.
 */
export interface InterceptingCluster extends MockCluster, Disposable {
  intercept(request: InterceptedRequest): Interceptor;
  /** Interceptors that wait for requests; those that {@link Interceptor.persist} are not among them. */
  pendingInterceptors(): readonly string[];
  /** Throws `INTERCEPTORS_UNMET` when interceptors wait for requests, or when there were requests that none expected. */
  assertNoPendingInterceptors(): void;
}

/** See {@link InterceptingCluster}. */
export function mockCluster(): InterceptingCluster {
  const interceptors: Intercepting[] = [];
  const unexpected: string[] = [];
  const answer = (request: UpstreamRequest): UpstreamResponse => {
    const interceptor = interceptors.find((candidate) => candidate.takes(request));
    if (interceptor !== undefined) return interceptor.answer(request);
    const line = `${request.method} ${request.path}`;
    unexpected.push(line);
    return { status: 501, body: `no interceptor expects ${line}` };
  };
  const pendingInterceptors = () => interceptors.filter(({ isPending }) => isPending).map(String);
  const assertNoPendingInterceptors = () => {
    const pending = pendingInterceptors();
    if (pending.length === 0 && unexpected.length === 0) return;
    const lines = [
      ...pending.map((line) => `\n  did not come: ${line}`),
      ...unexpected.map((line) => `\n  nobody expected: ${line}`),
    ];
    throw new HarnessError(
      "INTERCEPTORS_UNMET",
      `the cluster's requests are not those that were expected:${lines.join("")}`,
    );
  };
  return Object.assign(answer, {
    intercept(request: InterceptedRequest): Interceptor {
      const interceptor = new Intercepting(request);
      interceptors.push(interceptor);
      return interceptor;
    },
    pendingInterceptors,
    assertNoPendingInterceptors,
    [Symbol.dispose]: assertNoPendingInterceptors,
  });
}

class Intercepting implements Interceptor {
  readonly #wanted: InterceptedRequest;
  #answer: (request: UpstreamRequest) => UpstreamResponse = () => ({ status: 200 });
  #delayMs = 0;
  #left = 1;
  #isPersistent = false;

  constructor(wanted: InterceptedRequest) {
    this.#wanted = wanted;
  }

  get isPending(): boolean {
    return !this.#isPersistent && this.#left > 0;
  }

  reply(
    statusOrAnswer: number | ((request: UpstreamRequest) => UpstreamResponse),
    body?: string | Uint8Array,
    options: ReplyOptions = {},
  ): this {
    if (typeof statusOrAnswer === "function") this.#answer = statusOrAnswer;
    else this.#answer = () => ({ status: statusOrAnswer, ...(body === undefined ? {} : { body }), ...options });
    return this;
  }

  reset(): this {
    this.#answer = () => ({ reset: true });
    return this;
  }

  delay(milliseconds: number): this {
    this.#delayMs = milliseconds;
    return this;
  }

  times(count: number): this {
    this.#left = count;
    return this;
  }

  persist(): this {
    this.#isPersistent = true;
    return this;
  }

  takes(request: UpstreamRequest): boolean {
    if (!this.#isPersistent && this.#left === 0) return false;
    const { path, method, headers = {}, body } = this.#wanted;
    return (
      fits(request.path, path) &&
      (method === undefined || request.method === method) &&
      (body === undefined || fits(request.text(), body)) &&
      Object.entries(headers).every(([name, value]) => {
        const found = name.toLowerCase() === "host" ? request.authority : request.header(name);
        return found !== null && fits(found, value);
      })
    );
  }

  answer(request: UpstreamRequest): UpstreamResponse {
    if (!this.#isPersistent) this.#left--;
    const response = this.#answer(request);
    return this.#delayMs === 0 ? response : { ...response, delayMs: this.#delayMs };
  }

  toString(): string {
    const { path, method = "any method", headers, body } = this.#wanted;
    const parts = [`${method} ${String(path)}`];
    for (const [name, value] of headers === undefined ? [] : Object.entries(headers))
      parts.push(`${name}: ${String(value)}`);
    if (body !== undefined) parts.push(`with the body ${String(body)}`);
    return `${parts.join(", ")}${this.#left > 1 ? ` (${this.#left} times)` : ""}`;
  }
}

function fits(found: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? found === wanted : wanted.test(found);
}
