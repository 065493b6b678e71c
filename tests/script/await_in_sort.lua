-- Lua cannot wait inside table.sort.
table.sort({ 3, 1, 2 }, function(a, b)
  orch.sleep(0.001)
  return a < b
end)

-- err: orch: await_in_sort.lua:3: sleep was called inside table.sort (await_in_sort.lua:2); fetch what the comparator needs first, then sort
-- err:    3 |   orch.sleep(0.001)
-- err:      |   ^
-- err: traceback:
-- err:   await_in_sort.lua:3: in function <await_in_sort.lua:2>
-- err:   [C]: in field 'sort'
-- err:   await_in_sort.lua:2: in main chunk
-- err: orch: seed N; re-run with --seed N
-- exit: 1
