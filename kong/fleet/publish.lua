-- Writes changes to the hash KEYS[1] and tells of them in the stream KEYS[2], each unless the hash
-- holds a later one. A value is "milliseconds JSON". ARGV: who tells, most fields of the hash,
-- about how many changes the stream keeps, then for each change: client, milliseconds, JSON.
local size = redis.call('HLEN', KEYS[1])
for i = 4, #ARGV, 3 do
  local client, at, value = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 1] .. ' ' .. ARGV[i + 2]
  local old = redis.call('HGET', KEYS[1], client)
  local stamp = old and tonumber(string.match(old, '^%d+'))
  if not stamp or stamp < at then
    if old or size < tonumber(ARGV[2]) then
      redis.call('HSET', KEYS[1], client, value)
      if not old then size = size + 1 end
    end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'from', ARGV[1], 'change', value)
  end
end
return size
