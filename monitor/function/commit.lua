-- Writes the records of places, what was found there and what was counted.
-- KEYS: the verdict log, the newest time, the counts; of each place its record
-- and all records of its property, by when they are due.
-- ARGV: the newest time and the clock; of each place the head that it was read
-- with, its head, its record, when it is due, its counts, and what was found:
-- how much, and each.
-- Answers 1 for a place that has the record, 0 for one that another has written.
local function last()
	local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
	return newest and tonumber(string.match(newest[1], '^%d+')) or 0
end

local answers, all, at = {}, true, 3
for key = 4, #KEYS, 2 do
	local before, head, record, due, counts, found = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5])
	at = at + 6
	local value = redis.call('GET', KEYS[key])
	local now = value and string.match(value, '^[^\n]*') or ''
	if now == before then
		redis.call('SET', KEYS[key], record)
		redis.call('ZADD', KEYS[key + 1], due == '' and '+inf' or due, KEYS[key])
		for name, n in pairs(cjson.decode(counts)) do
			if n ~= 0 then
				redis.call('HINCRBY', KEYS[3], name, n)
			end
		end
		for i = 0, found - 1 do
			redis.call('XADD', KEYS[1], (last() + 1) .. '-0', 'commit', ARGV[at + i])
		end
		answers[#answers + 1] = 1
	elseif now == head then -- the answer was lost
		answers[#answers + 1] = 1
	else
		answers[#answers + 1], all = 0, false
	end
	at = at + found
end

if all and ARGV[1] ~= '' then
	local newest = redis.call('GET', KEYS[2])
	if not newest or tonumber(string.match(newest, '^%-?%d+')) < tonumber(ARGV[1]) then
		redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[2])
	end
end
return answers
