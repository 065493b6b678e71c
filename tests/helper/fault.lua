--- What every failed request has to say: its kind, where it failed, and one sentence
--- with the URL but without its secrets.
---
---     local err = fault(function() http.get(play.url) end, { kind = "network", url = play.url })

local expect = orch.test.expect

---Calls `fn`, which raises an Error with these fields; `url` is looked for in the
---sentence as well.
---@async
---@param fn function
---@param fields table
---@return orch.Error
return function(fn, fields)
  local err = expect(fn):raises(fields)
  expect(err.message):is_a "string"
  expect(err.message).never:matches "[%c]"
  expect(err.message).never:matches "%. %u"
  expect(err.message).never:contains "secret"
  expect(#err.message):greater_than(20)
  expect(#err.message):less_than(400)
  if fields.url then expect(err.message):contains(fields.url) end
  expect(tostring(err)):equals(err.message)
  return err
end
