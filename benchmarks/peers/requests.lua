-- Sends the requests of a file in turn, and ends with its figures as one line of JSON.
-- Arguments: the file, with one request a line (method, path and body, tab separated); where to begin; how many
-- milliseconds each connection waits before it asks again.

function init(args)
    local prepared = {}
    for line in io.lines(args[1]) do
        local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
        prepared[#prepared + 1] = wrk.format(method, path, nil, body ~= "" and body or nil)
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
