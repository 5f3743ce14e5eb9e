"""The demonstration: invented people and money on the real software, made by the same services as any pool.

people: who plays · clock: the business day and what happened on it · pools: founding · bank: its statements ·
history: a year of small pools · variants: three more, for rarer rules · gathering: one that is being founded ·
start: the first start · case: one case led to its aid · tricks: attempts to take a fen · tour: the first page.
"""
