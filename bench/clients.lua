-- Each request comes from one of $BENCH_CLIENTS clients, at random.
local clients = tonumber(os.getenv("BENCH_CLIENTS"))
function request()
  wrk.headers["x-user"] = tostring(math.random(clients))
  return wrk.format()
end
