-- The load of `cargo xtask bench`, for wrk: `wrk -s requests.lua URL -- TEMPLATE LINES SKIP PAUSE`.
--
-- TEMPLATE is a file with one raw request, in which {1}, {2} and so on stand for the fields of a line. LINES is a
-- file with a request's fields in each line, separated by tabs, each line for one request; `-` for none. So many
-- lines as SKIP says are left out. PAUSE is how long each connection rests before a request, on average, in
-- milliseconds; the rests are distributed exponentially.

local threads = {}
local last, lines, pieces, places

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local template = file:read("*a")
  file:close()
  pieces, places = {}, {}
  local rest = 1
  for before, field, after in template:gmatch("(.-){(%d)}()") do
    table.insert(pieces, before)
    table.insert(pieces, "")
    places[#pieces] = tonumber(field)
    rest = after
  end
  table.insert(pieces, template:sub(rest))
  if args[2] ~= "-" then
    lines = io.lines(args[2])
    for _ = 1, tonumber(args[3]) do
      lines()
    end
  end
  last = template
  local pause = tonumber(args[4])
  if pause > 0 then
    math.randomseed(1)
    delay = function()
      return math.floor(0.5 - pause * math.log(1 - math.random()))
    end
  end
end

function request()
  if not lines then
    return last
  end
  local line = lines()
  if not line then
    short = true
    wrk.thread:stop()
    return last
  end
  local fields = {}
  for field in line:gmatch("[^\t]+") do
    table.insert(fields, field)
  end
  for at, field in pairs(places) do
    pieces[at] = fields[field]
  end
  last = table.concat(pieces)
  return last
end

function done(summary, latency)
  local short = false
  for _, thread in ipairs(threads) do
    short = short or thread:get("short") == true
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"refused":%d,"failed":%d,"short":%s}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, tostring(short)))
end
