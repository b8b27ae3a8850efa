# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
from numpy import ndarray

from ...compat import KalmanFilter

AXES = np.arange(8)  # of a state
States = tuple[ndarray, ndarray]  # means and covariances


class BatchKalmanFilter(KalmanFilter):
    """mmdet's :class:`KalmanFilter`, which is slow, of N boxes at once.

    Measurements are (N, 4) float64: centre x, centre y, aspect ratio, height; means (N,
    8), covariances (N, 8, 8). Model and constants are the parent's.
    """

    def initiate(self, measurement: ndarray) -> States:
        """States of boxes seen for the first time, at rest."""
        mean = np.concatenate([measurement, np.zeros_like(measurement)], axis=1)
        covariance = np.zeros((len(mean), 8, 8))
        covariance[:, AXES, AXES] = self._variances(measurement[:, 3], 2, 10)
        return mean, covariance

    def predict(self, mean: ndarray, covariance: ndarray) -> States:
        """States one frame later."""
        motion = self._motion_mat
        with np.errstate(invalid='ignore'):  # boxes of inf match nothing later
            covariance = motion @ covariance @ motion.T
            covariance[:, AXES, AXES] += self._variances(mean[:, 3], 1, 1)
            return mean @ motion.T, covariance

    def project(self, mean: ndarray, covariance: ndarray) -> States:
        """What would be measured of the states: means (N, 4), covariances (N, 4, 4)."""
        stds = np.repeat(self._std_weight_position * mean[:, 3:4], 4, axis=1)
        stds[:, 2] = 1e-1
        covariance = covariance[:, :4, :4].copy()
        covariance[:, AXES[:4], AXES[:4]] += stds**2
        return mean[:, :4], covariance

    def update(
        self, mean: ndarray, covariance: ndarray, measurement: ndarray
    ) -> States:
        """States corrected by measurements."""
        expected, expected_covariance = self.project(mean, covariance)
        # K = P H' S^-1 by solving S K' = H P, S and P being symmetric.
        gain = np.linalg.solve(expected_covariance, covariance[:, :4])
        gain = gain.transpose(0, 2, 1)
        innovation = (measurement - expected)[..., None]
        mean = mean + (gain @ innovation)[..., 0]
        return mean, covariance - gain @ expected_covariance @ gain.transpose(0, 2, 1)

    def _variances(self, heights: ndarray, position: float, velocity: float) -> ndarray:
        """Variances of x, y, aspect ratio, height and their velocities, (N, 8)."""
        stds = np.empty((len(heights), 8))
        stds[:, :4] = (position * self._std_weight_position * heights)[:, None]
        stds[:, 4:] = (velocity * self._std_weight_velocity * heights)[:, None]
        stds[:, 2], stds[:, 6] = 1e-2, 1e-5
        return stds**2
