-- Sends the requests of a file in turn, and ends with its figures as one line of JSON.
-- Arguments: the file, with one request a line (method, path and body, tab separated); where to begin; how many
-- milliseconds each connection waits before it asks again.

local FEWEST = 1000

-- Another X-Request-ID for each of the prepared requests, as nginx makes one for each that it forwards.
local function request_id()
    local part = {}
    for at = 1, 8 do
        part[at] = string.format("%04x", math.random(0, 0xffff))
    end
    return table.concat(part)
end

function init(args)
    local asks = {}
    for line in io.lines(args[1]) do
        local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
        asks[#asks + 1] = { method, path, body ~= "" and body or nil }
    end
    local prepared = {}
    for _ = 1, math.ceil(FEWEST / #asks) do
        for _, ask in ipairs(asks) do
            wrk.headers["X-Request-ID"] = request_id()
            prepared[#prepared + 1] = wrk.format(ask[1], ask[2], nil, ask[3])
        end
    end
    local at = tonumber(args[2])
    function request()
        at = at % #prepared + 1
        return prepared[at]
    end
    local pause = tonumber(args[3])
    if pause > 0 then
        function delay()
            return pause
        end
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"elapsed_us":%d,"received":%d,"p50_us":%.1f,"p99_us":%.1f,"refused":%d,"broken":%d}\n',
        summary.requests, summary.duration, summary.bytes,
        latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
