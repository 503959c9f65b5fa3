-- wrk script: sends the requests of a file ("PATH TOKEN IDENTITY" a line) in turn, for ever, and prints one line of JSON.
-- Arguments: the file, and how many of its lines to leave out at first.

local requests = {}
local turn = 0

function init(args)
   for line in io.lines(args[1]) do
      local path, token = line:match("^(%S+) (%S+)")
      requests[#requests + 1] = wrk.format("GET", path, { ["Authorization"] = "Bearer " .. token })
   end
   turn = tonumber(args[2])
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency, _)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "refused": %d, "broken": %d, "microseconds": %d, "p50": %d, "p99": %d}\n',
      summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
      summary.duration, latency:percentile(50), latency:percentile(99)))
end
