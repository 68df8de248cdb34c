"""One step of the flood scheme in plain NumPy: slow, unblocked, to be read beside the kernels."""

import numpy as np

GRAVITY, DRY, FROUDE_CAP = 9.81, 1e-5, 5.0


def shift(a, rows, columns):
    """Value of the neighbour that lies `rows`, `columns` further; zero beyond the array."""
    out = np.zeros_like(a)
    ny, nx = a.shape
    source = a[max(rows, 0) : ny + min(rows, 0), max(columns, 0) : nx + min(columns, 0)]
    out[max(-rows, 0) : ny + min(-rows, 0), max(-columns, 0) : nx + min(-columns, 0)] = source
    return out


def face_flux(h, z, q, t, n, dr, dc, dt, dx, theta, advection):
    """Discharge through the faces before each cell in the direction (dr, dc); a closed wall surrounds the array."""
    before = np.indices(h.shape)[0 if dr else 1] > 0
    ha, za, na = (shift(a, -dr, -dc) for a in (h, z, n))
    depth = np.where(before, np.maximum(ha + za, h + z) - np.maximum(za, z), 0)
    safe = np.maximum(depth, DRY)
    corner = (0.5 * (shift(t, -dr, -dc) + t), 0.5 * (shift(t, dc - dr, dr - dc) + shift(t, dc, dr)))
    if advection:
        mean = np.maximum(0.5 * (ha + h), DRY)
        fastest = FROUDE_CAP * np.sqrt(GRAVITY * mean)
        u = np.where(depth > DRY, np.clip(q / mean, -fastest, fastest), 0)
        enter, leave = 0.5 * (shift(q, -dr, -dc) + q), 0.5 * (q + shift(q, dr, dc))
        along = leave * np.where(leave > 0, u, shift(u, dr, dc)) - enter * np.where(enter > 0, shift(u, -dr, -dc), u)
        left, right = corner
        across = right * np.where(right > 0, u, shift(u, dc, dr)) - left * np.where(left > 0, shift(u, -dc, -dr), u)
        momentum = q - dt / dx * (along + across)
        pressure = safe - 0.5 * np.minimum(np.minimum(abs(ha - h), abs(za + ha - z - h)), safe)
    else:
        momentum = theta * q + 0.5 * (1 - theta) * (shift(q, -dr, -dc) + shift(q, dr, dc))
        pressure = safe
    force = momentum + GRAVITY * dt / dx * pressure * (za + ha - z - h)
    k = GRAVITY * dt * 0.5 * (na**2 + n**2) * safe ** (-7 / 3)
    own = 2 * force / (1 + np.sqrt(1 + 4 * k * abs(force)))
    return np.where(depth > DRY, force / (1 + k * np.hypot(own, 0.5 * (corner[0] + corner[1]))), 0)


def step(h, qx, qy, z, n, dt, dx, theta=0.9, advection=False):
    """Advance a closed basin by one step; `qx[r, c]` and `qy[r, c]` pass from the cell before into cell (r, c)."""
    new_x = face_flux(h, z, qx, qy, n, 0, 1, dt, dx, theta, advection)
    new_y = face_flux(h, z, qy, qx, n, 1, 0, dt, dx, theta, advection)
    east, north = shift(new_x, 0, 1), shift(new_y, 1, 0)
    demand = np.maximum(east, 0) + np.maximum(-new_x, 0) + np.maximum(north, 0) + np.maximum(-new_y, 0)
    share = np.minimum(1, h * dx / np.maximum(dt * demand, 1e-30))
    new_x = new_x * np.where(new_x > 0, shift(share, 0, -1), share)
    new_y = new_y * np.where(new_y > 0, shift(share, -1, 0), share)
    east, north = shift(new_x, 0, 1), shift(new_y, 1, 0)
    return h + dt / dx * (new_x - east + new_y - north), new_x, new_y
